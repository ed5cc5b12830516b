"""Refunds of Mollie, read strictly."""

from __future__ import annotations

from payments_ui.core.attempts.outcomes import (
    CameBack,
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
)
from payments_ui.core.refunds.report import RefundReport
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.answers import Object, matching, part, text, uuid

from .charges import amount_of, is_live
from .client import PAYMENT_ID, REFUND_ID

_EVIDENCE = ("id", "paymentId", "mode", "status", "amount")


def outcome(refund: Object, *, account: str, had_succeeded: bool = False) -> Outcome:
    """Return what a refund of Mollie means for ours, which may have succeeded before.

    Raises ``MoocherError`` for what is not in Mollie's vocabulary.
    """
    refund_id = matching(REFUND_ID, refund.get("id"))
    evidence = {name: refund[name] for name in _EVIDENCE if refund.get(name)}
    match refund.get("status"):
        case "refunded":
            amount, currency = amount_of(refund)
            return Succeeded(
                psp_reference=refund_id,
                amount=amount,
                currency=currency,
                account=account,
                live=is_live(refund),
                evidence=evidence,
            )
        case "queued" | "pending" | "processing":
            return Pending(psp_reference=refund_id)
        case "failed" | "canceled" if had_succeeded:
            return CameBack(psp_reference=refund_id, evidence=evidence)
        case "failed":
            return Declined(code=DeclineCode.GENERIC, psp_reference=refund_id, evidence=evidence)
        case "canceled":
            return Cancelled(psp_reference=refund_id)
        case _:
            raise MoocherError("Mollie answered with an unknown status")


def report(refund: Object, *, account: str) -> RefundReport:
    """Return a refund as the books take it, also one that was made in Mollie's dashboard."""
    amount, currency = amount_of(refund)
    return RefundReport(
        psp_reference=matching(REFUND_ID, refund.get("id")),
        charge_reference=matching(PAYMENT_ID, refund.get("paymentId")),
        refund_id=uuid(part(refund, "metadata"), "refund"),
        amount=amount,
        currency=currency,
        outcome=outcome(refund, account=account),
        reason=text(refund, "description"),
    )
