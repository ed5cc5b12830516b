"""Disputes of Stripe, read strictly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.disputes.states import DisputeState
from payments_ui.exceptions import MoocherError
from payments_ui.moochers import answers

from . import amounts, objects

STATES = {
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY,
    "warning_closed": DisputeState.CLOSED,
    "needs_response": DisputeState.NEEDS_RESPONSE,
    "under_review": DisputeState.UNDER_REVIEW,
    "appeal_needs_response": DisputeState.NEEDS_RESPONSE,
    "appeal_under_review": DisputeState.UNDER_REVIEW,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
    # Settled before it became one.
    "prevented": DisputeState.CLOSED,
}


def report(dispute: object, *, live: bool) -> DisputeReport:
    """A dispute as Stripe has it now.

    A status that Stripe has added since is *under review*: the money that it moved counts all
    the same, and the status is kept as evidence. Raises ``MoocherError`` for what is no dispute,
    and for one of a charge that no PaymentIntent made: no charge of ours is without one.
    """
    found = objects.checked("dispute", dispute, live=live)
    charge = objects.reference(found, "payment_intent", "payment_intent")
    status = objects.text(found, "status")
    if not status or charge is None:
        raise MoocherError("Stripe's dispute has no status, or is of no payment")
    currency = objects.currency(found)
    amount = amounts.from_stripe(objects.integer(found, "amount"), currency)
    due = answers.part(found, "evidence_details").get("due_by")
    withdrawn, reinstated = _moved(found, amount, currency)
    return DisputeReport(
        psp_reference=found["id"],
        charge_reference=charge,
        state=STATES.get(status, DisputeState.UNDER_REVIEW),
        amount=amount,
        currency=currency,
        reason=objects.text(found, "reason")[:100],
        opened_at=_time(objects.integer(found, "created")),
        evidence_due_by=_time(due) if type(due) is int and due else None,
        withdrawn=withdrawn,
        reinstated=reinstated,
        evidence=_evidence(found),
    )


def _moved(found: Mapping[str, Any], amount: Decimal, currency: str) -> tuple[Decimal, Decimal]:
    """What Stripe has taken because of it, and put back since, without its fees.

    Balance transactions are in the currency of the account: in another one than the charge's,
    each stands for the whole amount.
    """
    withdrawn = reinstated = Decimal(0)
    for line in found.get("balance_transactions") or ():
        units = objects.integer(line, "amount")
        same = objects.currency(line) == currency
        moved = abs(amounts.from_stripe(units, currency)) if same else amount
        if units < 0:
            withdrawn += moved
        elif units > 0:
            reinstated += moved
    return withdrawn, reinstated


def _time(seconds: int) -> dt.datetime:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (ValueError, OverflowError, OSError):
        raise MoocherError("Stripe's dispute has a time that is none") from None


def _evidence(found: Mapping[str, Any]) -> dict[str, object]:
    names = ("id", "status", "reason", "network_reason_code", "is_charge_refundable")
    facts = {name: found.get(name) for name in names}
    return {name: value for name, value in facts.items() if value is not None}
