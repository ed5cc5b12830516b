"""What a PSP says of a refund, also of one that was made in its dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from payments_ui.core.attempts.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReport:
    """A refund of the charge ``charge_reference`` as the PSP has it now.

    ``refund_id`` is our own refund, where the PSP was asked by us. ``outcome`` is what
    ``Moocher.ask_refund`` would answer. ``amount`` is in units of ``currency``.
    """

    psp_reference: str
    charge_reference: str
    refund_id: UUID | None
    amount: Decimal
    currency: str
    outcome: Outcome
    reason: str = ""
