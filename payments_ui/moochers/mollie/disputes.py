"""Chargebacks of Mollie: money that a customer's bank has taken back."""

from __future__ import annotations

from decimal import Decimal

from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.disputes.states import DisputeState
from payments_ui.moochers.answers import Object, matching, moment, part, text

from .charges import amount_of
from .client import CHARGEBACK_ID, PAYMENT_ID


def report(chargeback: Object) -> DisputeReport:
    """Return a chargeback as the books take it.

    Mollie has taken the money when it tells of one, and tells no more of it than a reversal: so
    it is lost until then. Raises ``MoocherError`` for what makes no sense.
    """
    amount, currency = amount_of(chargeback)
    is_reversed = bool(chargeback.get("reversedAt"))
    reason = part(chargeback, "reason")
    return DisputeReport(
        psp_reference=matching(CHARGEBACK_ID, chargeback.get("id")),
        charge_reference=matching(PAYMENT_ID, chargeback.get("paymentId")),
        state=DisputeState.WON if is_reversed else DisputeState.LOST,
        amount=amount,
        currency=currency,
        reason=f"{text(reason, 'code')} {text(reason, 'description')}".strip(),
        opened_at=moment(chargeback, "createdAt"),
        withdrawn=amount,
        reinstated=amount if is_reversed else Decimal(0),
        evidence={
            name: chargeback[name]
            for name in ("id", "paymentId", "amount", "settlementId", "createdAt", "reversedAt")
            if chargeback.get(name)
        },
    )
