"""URLs are nouns. Include them anywhere: ``path("payments/", include("payments_ui.urls"))``."""

from __future__ import annotations

from django.urls import include, path

from .views import charges, moochers, payments, webhooks

_payment = [
    path("", payments.payment, name="payment"),
    path("moochers/<str:identifier>/", moochers.moocher, name="moocher"),
    path("moochers/<str:identifier>/return/", moochers.return_from_psp, name="return"),
    path("attempt/cancellation/", payments.attempt_cancellation, name="attempt_cancellation"),
    path("cancellation/", payments.cancellation, name="cancellation"),
    path("lineitems/", payments.lineitems, name="lineitems"),
    path("receipt/", payments.receipt, name="receipt"),
]

app_name = "payments_ui"
urlpatterns = [
    path("charges/", charges.charges, name="charges"),
    path("heartbeat/", charges.heartbeat, name="heartbeat"),
    path("payments/", charges.payments, name="payments"),
    path("payments/<uuid:pk>/", include(_payment)),
    path("widgets/<slug:name>/", charges.widget, name="widget"),
    path("webhooks/<str:identifier>/", webhooks.webhook, name="webhook"),
]
