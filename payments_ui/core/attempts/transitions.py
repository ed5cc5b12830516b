"""Attempts: committed before the PSP is asked, changed by compare-and-set only."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.db import transaction

from payments_ui.core import journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.json_safe import storable
from payments_ui.core.db.locks import lock_payment, retrying, second_look
from payments_ui.core.models import Attempt, JournalEntry, Payment
from payments_ui.core.suspense import alerts, queue
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    PaymentGoneError,
)

from . import answers, settlement, unexpected_money
from .outcomes import ActionRequired, Cancelled, Declined, Outcome, Pending, Succeeded, Unknown
from .states import AttemptState as State

# From where an answer may move an attempt. A late, weaker answer never undoes a stronger.
_BEFORE_ACTION = (State.STARTED, State.UNKNOWN, State.REQUIRES_ACTION)


@retrying
def start(
    payment: Payment,
    *,
    moocher: str,
    account: str = "",
    live: bool = False,
    manual: bool = False,
    form_token: str | None = None,
    by: str = journal.SYSTEM,
    check: Callable[[Payment], object] | None = None,
) -> Attempt:
    """Write down that a PSP is about to be asked for this payment; commit before asking.

    The amount is the payment's, in units of its currency. ``check`` is called with the
    locked payment, sees how every attempt before ended, and may raise. Raises
    ``AlreadyChargedError``, ``PaymentGoneError``, and ``AttemptOpenError`` while another
    attempt is open.
    """
    with transaction.atomic():
        locked = _lock_payable(payment)
        if check is not None:
            check(locked)
        attempt = Attempt.objects.create(
            payment=locked,
            moocher=moocher,
            account=account,
            live=live,
            manual=manual,
            amount=locked.amount,
            currency=locked.currency,
            idempotency_key=secrets.token_hex(16),
            form_token=form_token,
        )
        journal.attempt(JournalEntry.Verb.ATTEMPT_STARTED, attempt, actor=by)
    failpoints.hit(Point.ATTEMPT_AFTER_COMMIT)
    payment.__dict__.pop("open_attempt", None)
    return attempt


def _lock_payable(payment: Payment) -> Payment:
    locked = lock_payment(payment.pk)
    if locked is None or locked.cancelled_at or locked.undone_at:
        raise PaymentGoneError(f"{payment.pk} is cancelled or undone")
    if locked.charged_at:
        raise AlreadyChargedError(f"{payment.pk} is charged")
    if locked.open_attempt:
        raise AttemptOpenError(f"{locked.open_attempt} is open")
    return locked


def record(
    attempt: Attempt, outcome: Outcome, *, by: str = "", reason: str = "", request: Any = None
) -> Attempt:
    """Write down what the PSP answered; return the attempt as it is stored now.

    Idempotent, and safe when a webhook, a return and a reconciler report at once.
    """
    by = by or journal.by_moocher(attempt.moocher)
    if isinstance(outcome, Succeeded):
        return settlement.settle(attempt, outcome, by=by, reason=reason, request=request)
    _advance(attempt, outcome, by, reason or getattr(outcome, "reason", ""))
    return Attempt.objects.select_related("payment__user").get(pk=attempt.pk)


@retrying
@second_look
def _advance(attempt: Attempt, outcome: Outcome, by: str, reason: str) -> None:
    sources, changes = _transition(outcome)
    with transaction.atomic():
        lock_payment(attempt.payment_id)
        before = Attempt.objects.filter(pk=attempt.pk, state__in=sources).first()
        if before is None:
            return
        reference = getattr(outcome, "psp_reference", None)
        if reference and not unexpected_money.is_taken(attempt, reference):
            changes["psp_reference"] = reference
        changes = answers.news(before, changes)
        if not changes:
            # So that "updated at" says since when it waits, however often the PSP is asked.
            return
        answers.write(before, changes)
        if changes.get("state", before.state) not in Attempt.OPEN:
            queue.answered(by, attempt=attempt.pk)
        if _SHOWN & changes.keys():
            detail = {"from": before.state, "to": str(changes.get("state", before.state))}
            _journal(attempt, detail, reason, by)


# What customers see of an attempt: if it changes, so must the journal, and the version.
_SHOWN = frozenset({"state", "action_url"})


def _journal(attempt: Attempt, detail: dict[str, str], reason: str, by: str) -> None:
    verb = JournalEntry.Verb.ATTEMPT_CHANGED
    journal.attempt(verb, attempt, actor=by, reason=reason, detail=detail)
    if detail["to"] == State.UNKNOWN:
        text = f"Attempt {attempt.reference} of payment {attempt.payment_id}: {reason}"
        alerts.after_commit("Outcome of an attempt unknown", text)


def _transition(outcome: Outcome) -> tuple[tuple[State, ...], dict[str, Any]]:
    match outcome:
        case Declined():
            return Attempt.OPEN, {
                "state": State.FAILED,
                "failure_code": str(outcome.code),
                "evidence": storable(outcome.evidence),
            }
        case Cancelled():
            return Attempt.OPEN, {"state": State.CANCELLED}
        case ActionRequired():
            return _BEFORE_ACTION, {"state": State.REQUIRES_ACTION, "action_url": outcome.url}
        case Pending():
            return Attempt.OPEN, {"state": State.PROCESSING}
        case Unknown():
            return Attempt.OPEN, {"state": State.UNKNOWN}
        case _:
            raise TypeError(f"{outcome!r} is no outcome")
