"""A button with the amount, which unfolds the way to pay where it stands."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .pending_charges import PendingCharges


class PayButton(PendingCharges):
    """Continue to payment, with the total of one currency; nothing where nothing is owed."""

    name = "pay-button"
    title = _("Payment")
    template_name = "payments_ui/components/bare_root.html"
    accepts = frozenset({"id", "heading", "currency", "anonymous", "live"})
    kind = "button"
