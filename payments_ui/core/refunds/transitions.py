"""What became of a refund: written down by compare-and-set, in any order and number."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import models, transaction

from payments_ui.core import delivery, journal
from payments_ui.core.attempts import answers
from payments_ui.core.attempts.outcomes import (
    ActionRequired,
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
from payments_ui.core.db.locks import lock_payment, retrying
from payments_ui.core.models import Attempt, JournalEntry, Refund
from payments_ui.core.suspense import alerts, queue
from payments_ui.exceptions import RefundError

from .states import RefundState as State

# A success is believed later, too: then the money is gone, whatever was said before.
_BEFORE_SUCCESS = (*Refund.OPEN, State.FAILED)


def record(refund: Refund, outcome: Outcome, *, by: str = "", reason: str = "") -> Refund:
    """Write down what the PSP answered; return the refund as it is stored now.

    A success must be of this amount and currency, else the outcome is unknown and the
    admins are told. What failed gives its reserve back. Idempotent, and safe when a
    webhook, a clerk and a reconciler report at once.
    """
    by = by or journal.by_moocher(refund.attempt.moocher)
    _record(refund, outcome, by, reason or getattr(outcome, "reason", ""))
    return _stored(refund)


def _stored(refund: Refund) -> Refund:
    return Refund.objects.select_related("payment__user", "attempt").get(pk=refund.pk)


def sent(refund: Refund, *, by: str, reason: str) -> Refund:
    """A person has sent the money back, or saw that the PSP did.

    Raises ``RefundError`` where the refund is known to have ended, or is the PSP's to do.
    """
    done = Succeeded(psp_reference="", amount=refund.amount, currency=refund.currency)
    _record(refund, done, by, reason, _require_a_person)
    return _stored(refund)


def not_sent(refund: Refund, *, by: str, reason: str) -> Refund:
    """A person says that the money was not and will not be sent; raises as ``sent``."""
    _record(refund, Cancelled(), by, reason, _require_a_person)
    return _stored(refund)


def _require_a_person(refund: Refund) -> None:
    if not refund.is_open:
        raise RefundError(f"Its outcome is known: {refund.get_state_display()}")
    if not refund.manual and refund.state != State.UNKNOWN:
        raise RefundError("The payment service is busy with it")


def reserve(attempt: Attempt, amount: Decimal) -> None:
    """Count this much more as given back; raises ``RefundError`` where it is more than arrived.

    Compare-and-set, of what the locked attempt says: SQLite adds decimals inexactly.
    """
    reserved = attempt.refunded_amount + amount
    rows: models.QuerySet[Attempt] = models.QuerySet(Attempt).filter(
        pk=attempt.pk, refunded_amount=attempt.refunded_amount, received_amount__gte=reserved
    )
    if not rows.update(refunded_amount=reserved):
        raise RefundError(f"{reserved} is more than what arrived")


@retrying
def _record(
    refund: Refund,
    outcome: Outcome,
    by: str,
    reason: str,
    check: Callable[[Refund], object] | None = None,
) -> None:
    with transaction.atomic():
        lock_payment(refund.payment_id)
        before = Refund.objects.select_related("payment", "attempt").get(pk=refund.pk)
        if check is not None:
            check(before)
        changes = _changes(before, outcome)
        if not changes:
            return
        if changes.get("state") == State.SUCCEEDED and not _is_reserved(before):
            _given_back_twice(before, changes.get("evidence", before.evidence), by)
            return
        answers.write(before, changes)
        _after(before, State(changes.get("state", before.state)), by, reason)
        failpoints.hit(Point.REFUND_BEFORE_COMMIT)


def _changes(before: Refund, outcome: Outcome) -> dict[str, Any]:
    """What this answer changes; a late, weaker answer never undoes a stronger one."""
    sources, changes = _transition(before, outcome)
    if before.state not in sources:
        return {}
    reference = getattr(outcome, "psp_reference", None)
    if reference and not before.psp_reference and not _is_taken(before, reference):
        changes["psp_reference"] = reference
    return answers.news(before, changes)


def _transition(refund: Refund, outcome: Outcome) -> tuple[tuple[State, ...], dict[str, Any]]:
    match outcome:
        case Succeeded() if _fits(refund, outcome):
            facts = {"evidence": storable(outcome.evidence), "failure_code": ""}
            return _BEFORE_SUCCESS, {**facts, "state": State.SUCCEEDED}
        case Succeeded():
            said = f"{outcome.amount} {outcome.currency}, {outcome.psp_reference}"
            return Refund.OPEN, {"state": State.UNKNOWN, "evidence": storable({"said": said})}
        case Declined():
            facts = {"evidence": storable(outcome.evidence), "failure_code": str(outcome.code)}
            return Refund.OPEN, {"state": State.FAILED, **facts}
        case Cancelled():
            return Refund.OPEN, {"state": State.FAILED}
        case Pending():
            return Refund.OPEN, {"state": State.PENDING}
        case Unknown() | ActionRequired():
            return Refund.OPEN, {"state": State.UNKNOWN}
        case _:
            raise TypeError(f"{outcome!r} is no outcome")


def _fits(refund: Refund, answer: Succeeded) -> bool:
    same = (answer.amount, answer.currency) == (refund.amount, refund.currency)
    return same and not _is_taken(refund, answer.psp_reference)


def _is_taken(refund: Refund, psp_reference: str) -> bool:
    """Whether another refund of the same money has this reference."""
    others = Refund.objects.filter(attempt=refund.attempt_id).exclude(pk=refund.pk)
    return bool(psp_reference) and others.filter(psp_reference=psp_reference).exists()


def _is_reserved(refund: Refund) -> bool:
    """Whether it may succeed; what failed before has to be reserved again."""
    if refund.is_open:
        return True
    if queue.is_used(refund.attempt):
        return False
    try:
        reserve(refund.attempt, refund.amount)
    except RefundError:
        return False
    return True


def _after(before: Refund, state: State, by: str, reason: str) -> None:
    detail = {"from": before.state, "to": str(state)}
    verb = JournalEntry.Verb.REFUND_CHANGED
    journal.refund(verb, before, actor=by, reason=reason, detail=detail)
    if state not in Refund.OPEN:
        queue.answered(by, refund=before.pk)
    if state == State.SUCCEEDED:
        queue.returned(before, by)
        transaction.on_commit(lambda: delivery.send_refund(before), robust=True)
    elif state == State.FAILED:
        _give_reserve_back(before)
    if state in (State.UNKNOWN, State.FAILED) and not before.manual:
        text = f"Refund {before.reference} of payment {before.payment_id}: {reason}"
        alerts.after_commit(f"A refund: {state.label}", text)


def _give_reserve_back(refund: Refund) -> None:
    attempt = refund.attempt
    rows: models.QuerySet[Attempt] = models.QuerySet(Attempt).filter(pk=attempt.pk)
    rows.update(refunded_amount=attempt.refunded_amount - refund.amount)


def _given_back_twice(refund: Refund, evidence: object, by: str) -> None:
    """Money went out that was not left: evidence, and the admins' business."""
    said = {"given_back_all_the_same": evidence}
    if refund.evidence == said:
        return
    models.QuerySet(Refund).filter(pk=refund.pk).update(evidence=said)
    reason = "given back although nothing was left"
    detail = {"from": refund.state, "to": refund.state}
    verb = JournalEntry.Verb.REFUND_CHANGED
    journal.refund(verb, refund, actor=by, reason=reason, detail=detail)
    text = f"Refund {refund.reference} of payment {refund.payment_id}: {reason}"
    alerts.after_commit("Money given back twice", text)
