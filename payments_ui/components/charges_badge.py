"""Count or total of the charges that are not paid, for a navigation bar."""

from __future__ import annotations

from .pending_charges import PendingCharges
from .steps.charges import Badge


class ChargesBadge(PendingCharges):
    """``{% charges_badge %}``: how much is open, for a navigation bar.

    ``what="count"`` (default) or ``what="total"``; ``currency``; ``live``; ``id``. Empty
    where the user owes nothing.
    """

    name = "charges-badge"
    template_name = "payments_ui/components/badge_root.html"
    accepts = frozenset({"id", "what", "currency", "live"})
    list_step = Badge
