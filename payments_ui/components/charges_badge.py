"""Count or total of the charges that are not paid, for a navigation bar."""

from __future__ import annotations

from .pending_charges import PendingCharges


class ChargesBadge(PendingCharges):
    """``what`` is ``"count"`` or ``"total"``. Empty where nothing is owed."""

    name = "charges-badge"
    template_name = "payments_ui/components/badge_root.html"
    accepts = frozenset({"id", "what", "currency", "live"})
    kind = "badge"
