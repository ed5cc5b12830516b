"""A button with the amount, which unfolds the way to pay where it stands."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .pending_charges import PendingCharges
from .steps.charges import Button


class PayButton(PendingCharges):
    """``{% pay_button %}``: a button with the amount; it unfolds the way to pay.

    ``currency`` (setting ``CURRENCY``); ``heading``: level of what unfolds minus one;
    ``live``; ``anonymous``; ``id``. Empty where the user owes nothing.
    """

    name = "pay-button"
    title = _("Payment")
    template_name = "payments_ui/components/bare_root.html"
    accepts = frozenset({"id", "heading", "currency", "anonymous", "live"})
    list_step = Button
