"""What became of a refund: recorded by compare-and-set, in any order and number."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import translation

from payments_ui.core import delivery, journal, notify
from payments_ui.core.attempts import money_out
from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    CameBack,
    Cancelled,
    Declined,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.json_safe import storable
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.suspense.states import SuspenseKind, SuspenseState
from payments_ui.exceptions import RefundError

from .states import OPEN_STATES, RELEASED_STATES
from .states import RefundState as State

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt

    from .model import Refund

# A success is believed later, too: then the money is gone, whatever was reported before.
_BEFORE_SUCCESS = (*OPEN_STATES, State.FAILED)


def record(refund: Refund, outcome: Outcome, *, by: str = "", reason: str = "") -> Refund:
    """Write down what the PSP answered; return the refund as it is stored now.

    A success must be of this amount and currency, else the outcome is unknown and the
    admins are notified. What failed, or came back, gives its reserve back. Idempotent, and
    safe when a webhook, a clerk and a reconciler report at once.
    """
    by = by or journal.by_moocher(refund.attempt.moocher)
    return _record(refund, outcome, by, reason or getattr(outcome, "reason", ""))


record.alters_data = True  # type: ignore[attr-defined]


def mark_sent(refund: Refund, *, by: str, reason: str) -> Refund:
    """Record that a person has sent the money back, or saw that the PSP did.

    Raises ``RefundError`` where the refund is known to have ended, or is the PSP's to do.
    """
    done = Succeeded(psp_reference="", amount=refund.amount, currency=refund.currency)
    return _record(refund, done, by, reason, _require_a_person)


mark_sent.alters_data = True  # type: ignore[attr-defined]


def mark_not_sent(refund: Refund, *, by: str, reason: str) -> Refund:
    """Record that the money was not sent and will not be; raises as ``mark_sent``."""
    return _record(refund, Cancelled(), by, reason, _require_a_person)


mark_not_sent.alters_data = True  # type: ignore[attr-defined]


def _require_a_person(refund: Refund) -> None:
    if not refund.is_open:
        raise RefundError(f"Its outcome is known: {refund.get_state_display()}")
    if not refund.manual and refund.state != State.UNKNOWN:
        raise RefundError("The payment service is busy with it")


def reserve(attempt: Attempt, amount: Decimal) -> None:
    """Count this much more as given back; raises ``RefundError`` where it is more than arrived."""
    reserved = attempt.refunded_amount + amount
    if not money_out.count(attempt, reserved):
        raise RefundError(f"{reserved} is more than what arrived")


@retrying
def _record(
    refund: Refund,
    outcome: Outcome,
    by: str,
    reason: str,
    check: Callable[[Refund], object] | None = None,
) -> Refund:
    with transaction.atomic():
        payment = refund.lock_payment()
        before: Refund = payment.refunds.select_related("attempt").get(pk=refund.pk)
        if check is not None:
            check(before)
        sources, changes = _transition(before, outcome)
        if before.state in sources:
            reference = getattr(outcome, "psp_reference", None)
            if reference and not before.psp_reference and not _is_taken(before, reference):
                changes["psp_reference"] = reference
            is_late = changes["state"] == State.SUCCEEDED and not before.is_open
            if is_late and not _reserved_again(before):
                _report_double_refund(before, changes["evidence"], by)
            elif changes := before.write(changes):
                _follow_up(before, State(changes.get("state", before.state)), by, reason)
                failpoints.hit(Point.REFUND_BEFORE_COMMIT)
    return refund.as_stored()


def _transition(refund: Refund, outcome: Outcome) -> tuple[tuple[State, ...], dict[str, Any]]:
    """From which states this outcome moves a refund, and what it changes."""
    match outcome:
        case Succeeded() if (
            outcome.amount == refund.amount
            and outcome.currency == refund.currency
            and not _is_taken(refund, outcome.psp_reference)
        ):
            facts = {"evidence": storable(outcome.evidence), "failure_code": ""}
            return _BEFORE_SUCCESS, {**facts, "state": State.SUCCEEDED}
        case Succeeded():
            other = f"{outcome.amount} {outcome.currency}, {outcome.psp_reference}"
            evidence = storable({"reported": other})
            return OPEN_STATES, {"state": State.UNKNOWN, "evidence": evidence}
        case CameBack():
            # Its signal is another one, and due again.
            facts = {"evidence": storable(outcome.evidence), "signal_sent_at": None}
            return (*OPEN_STATES, State.SUCCEEDED), {"state": State.CAME_BACK, **facts}
        case Declined():
            facts = {"evidence": storable(outcome.evidence), "failure_code": str(outcome.code)}
            return OPEN_STATES, {"state": State.FAILED, **facts}
        case Cancelled():
            return OPEN_STATES, {"state": State.FAILED}
        case Pending():
            facts = {"evidence": storable(outcome.evidence)} if outcome.evidence else {}
            return OPEN_STATES, {"state": State.PENDING, **facts}
        case Unknown() | ActionRequired():
            return OPEN_STATES, {"state": State.UNKNOWN}
        case _:
            raise TypeError(f"{outcome!r} is no outcome")


def _is_taken(refund: Refund, psp_reference: str) -> bool:
    """Whether another refund of the same money has this reference."""
    others = refund.attempt.refunds.exclude(pk=refund.pk)
    return bool(psp_reference) and others.filter(psp_reference=psp_reference).exists()


def _reserved_again(refund: Refund) -> bool:
    """Reserve what failed before and went out all the same; return whether it is covered."""
    try:
        if not refund.attempt.is_matched:
            reserve(refund.attempt, refund.amount)
            return True
    except RefundError:
        pass
    return False


def _follow_up(refund: Refund, state: State, by: str, reason: str) -> None:
    """Everything that follows from a refund's new state, in its transaction."""
    detail = {"from": refund.state, "to": str(state)}
    verb = journal.Verb.REFUND_CHANGED
    journal.refund(verb, refund, actor=by, reason=reason, detail=detail)
    if state not in OPEN_STATES:
        refund.suspense_items.close_overdue(by=by)
    if state == State.SUCCEEDED:
        # A refund that was made elsewhere may leave some of it.
        if not refund.attempt.as_stored().refundable_amount:
            unexpected = refund.attempt.suspense_items.exclude(kind=SuspenseKind.OVERDUE)
            unexpected.end(SuspenseState.RETURNED, by=by, reason=refund.reason, refund=refund)
        transaction.on_commit(lambda: delivery.send_refund(refund), robust=True)
    elif state in RELEASED_STATES:
        money_out.count(refund.attempt, refund.attempt.refunded_amount - refund.amount)
    if state == State.CAME_BACK:
        transaction.on_commit(lambda: delivery.send_refund(refund), robust=True)
    if state in (State.UNKNOWN, *RELEASED_STATES) and not refund.manual:
        text = f"Refund {refund.reference} of payment {refund.payment_id}: {reason}"
        # In the language of its sentences, whichever the request speaks.
        with translation.override("en"):
            notify.admins_after_commit(f"A refund: {state.label}", text)


def _report_double_refund(refund: Refund, evidence: object, by: str) -> None:
    """Keep as evidence that money went out that was not left, and notify the admins once."""
    kept = {"given_back_all_the_same": evidence}
    if refund.evidence == kept:
        return
    unguarded(refund).update(evidence=kept)
    reason = "given back although nothing was left"
    detail = {"from": refund.state, "to": refund.state}
    verb = journal.Verb.REFUND_CHANGED
    journal.refund(verb, refund, actor=by, reason=reason, detail=detail)
    text = f"Refund {refund.reference} of payment {refund.payment_id}: {reason}"
    notify.admins_after_commit("Money given back twice", text)
