"""Refunds of Stripe, read strictly: what each means for ours, and those made in the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments_ui.core.attempts.outcomes import (
    CameBack,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
)
from payments_ui.core.refunds.report import RefundReport
from payments_ui.exceptions import MoocherError

from . import amounts, objects

#: Answers that say for good that a refund is not possible as it was asked for.
REFUSALS = frozenset(
    {
        "amount_too_large",
        "amount_too_small",
        "charge_already_refunded",
        "charge_disputed",
        "charge_not_refundable",
        "refund_disputed_payment",
    }
)
_ENDED = frozenset({"failed", "canceled"})


def check(refund: object) -> Mapping[str, Any]:
    """The refund; raises ``MoocherError`` unless it is a whole one."""
    return objects.checked("refund", refund, live=False)


def charge_of(refund: Mapping[str, Any]) -> str:
    """The payment that it gives back; raises ``MoocherError`` where Stripe names none."""
    reference = objects.reference(refund, "payment_intent", "payment_intent")
    if reference is None:
        raise MoocherError("Stripe's refund is of no payment")
    return reference


def outcome(
    refund: Mapping[str, Any], *, account: str, live: bool, had_succeeded: bool = False
) -> Outcome:
    """What a checked refund means; ``had_succeeded`` is what we know of it so far.

    Raises ``MoocherError`` for a status that Stripe has added since.
    """
    reference, status = refund["id"], refund.get("status")
    evidence = _evidence(refund)
    if status in _ENDED and had_succeeded:
        return CameBack(psp_reference=reference, evidence=evidence)
    if status in _ENDED:
        return Declined(code=DeclineCode.GENERIC, psp_reference=reference, evidence=evidence)
    if status in ("pending", "requires_action"):
        return Pending(psp_reference=reference, evidence=evidence)
    if status == "succeeded":
        amount, currency = amount_of(refund)
        return Succeeded(
            psp_reference=reference,
            amount=amount,
            currency=currency,
            account=account,
            live=live,
            evidence=evidence,
        )
    raise MoocherError(f"Stripe's refund has a status that says nothing: {status!r:.60}")


def amount_of(refund: Mapping[str, Any]) -> tuple[Any, str]:
    """Amount and currency."""
    currency = objects.currency(refund)
    return amounts.from_stripe(objects.integer(refund, "amount"), currency), currency


def report(refund: object, *, account: str, live: bool) -> RefundReport:
    """A refund as Stripe has it, whoever made it."""
    found = check(refund)
    amount, currency = amount_of(found)
    # Only a refund whose money had left the balance can bring some back to it.
    had_succeeded = found.get("failure_balance_transaction") is not None
    return RefundReport(
        psp_reference=found["id"],
        charge_reference=charge_of(found),
        refund_id=objects.ours(found, objects.REFUND),
        amount=amount,
        currency=currency,
        outcome=outcome(found, account=account, live=live, had_succeeded=had_succeeded),
        reason=reason(found),
    )


def reason(refund: Mapping[str, Any]) -> str:
    """Stripe's word for why it waits, why it failed, or why it was made."""
    words = (objects.text(refund, f"{name}reason") for name in ("failure_", "pending_", ""))
    return next((word[:100] for word in words if word), "")


def _evidence(refund: Mapping[str, Any]) -> dict[str, object]:
    names = ("id", "status", "amount", "currency", "failure_reason", "pending_reason")
    facts = {name: refund.get(name) for name in names}
    return {name: value for name, value in facts.items() if value is not None}
