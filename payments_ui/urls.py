"""URLs are nouns. Include them anywhere: ``path("payments/", include("payments_ui.urls"))``."""

from __future__ import annotations

from django.urls import include, path

from .views import charges, links, methods, moochers, payments, webhooks

_payment = [
    path("", payments.payment, name="payment"),
    path("moochers/<str:identifier>/", moochers.moocher, name="moocher"),
    path("moochers/<str:identifier>/step/", moochers.step, name="moocher_step"),
    path("moochers/<str:identifier>/return/", moochers.return_from_psp, name="return"),
    path("attempt/cancellation/", payments.attempt_cancellation, name="attempt_cancellation"),
    path("cancellation/", payments.cancellation, name="cancellation"),
    path("lineitems/", payments.lineitems, name="lineitems"),
    path("receipt/", payments.receipt, name="receipt"),
]

_method = [
    path("", methods.method, name="method"),
    path("default/", methods.default, name="method_default"),
    path("removal/", methods.removal, name="method_removal"),
    path("return/", methods.return_from_psp, name="method_return"),
    path("step/", methods.step, name="method_step"),
]

app_name = "payments_ui"
urlpatterns = [
    path("charges/", charges.charges, name="charges"),
    path("charges/selection/", charges.selection, name="selection"),
    path("charges/uses/", charges.uses, name="uses"),
    path("heartbeat/", charges.heartbeat, name="heartbeat"),
    path("payments/", charges.payments, name="payments"),
    path("payments/<uuid:pk>/", include(_payment)),
    path("methods/", methods.methods, name="methods"),
    path("methods/moochers/<str:identifier>/", methods.setup, name="method_setup"),
    path("methods/<uuid:pk>/", include(_method)),
    path("links/<str:token>/", links.link, name="link"),
    path("mails/<str:token>/", links.mail_stop, name="mail_stop"),
    path("widgets/<slug:name>/", charges.widget, name="widget"),
    path("webhooks/<str:identifier>/", webhooks.webhook, name="webhook"),
]
