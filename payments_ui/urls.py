"""URLs are nouns. Include them anywhere: ``path("payments/", include("payments_ui.urls"))``."""

from __future__ import annotations

from django.urls import include, path

from .views import OnDemand

_payment = [
    path("", OnDemand("payments.payment"), name="payment"),
    path("moochers/<str:identifier>/", OnDemand("moochers.moocher"), name="moocher"),
    path("moochers/<str:identifier>/step/", OnDemand("moochers.step"), name="moocher_step"),
    path("moochers/<str:identifier>/return/", OnDemand("moochers.return_from_psp"), name="return"),
    path(
        "attempt/cancellation/",
        OnDemand("payments.attempt_cancellation"),
        name="attempt_cancellation",
    ),
    path("cancellation/", OnDemand("payments.cancellation"), name="cancellation"),
    path("lineitems/", OnDemand("payments.lineitems"), name="lineitems"),
    path("receipt/", OnDemand("payments.receipt"), name="receipt"),
]

_method = [
    path("", OnDemand("methods.method"), name="method"),
    path("default/", OnDemand("methods.default"), name="method_default"),
    path("removal/", OnDemand("methods.removal"), name="method_removal"),
    path("return/", OnDemand("methods.return_from_psp"), name="method_return"),
    path("step/", OnDemand("methods.step"), name="method_step"),
]

app_name = "payments_ui"
urlpatterns = [
    path("charges/", OnDemand("charges.charges"), name="charges"),
    path("charges/selection/", OnDemand("charges.selection"), name="selection"),
    path("charges/uses/", OnDemand("charges.uses"), name="uses"),
    path("heartbeat/", OnDemand("charges.heartbeat"), name="heartbeat"),
    path("payments/", OnDemand("charges.payments"), name="payments"),
    path("payments/<uuid:pk>/", include(_payment)),
    path("methods/", OnDemand("methods.methods"), name="methods"),
    path("methods/moochers/<str:identifier>/", OnDemand("methods.setup"), name="method_setup"),
    path("methods/<uuid:pk>/", include(_method)),
    path("links/<str:token>/", OnDemand("links.link"), name="link"),
    path("mails/<str:token>/", OnDemand("links.mail_stop"), name="mail_stop"),
    path("widgets/<slug:name>/", OnDemand("charges.widget"), name="widget"),
    path("webhooks/<str:identifier>/", OnDemand("webhooks.webhook"), name="webhook"),
]
