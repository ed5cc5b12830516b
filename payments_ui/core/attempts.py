"""Attempts: committed before the PSP is asked, changed by compare-and-set only."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    PaymentGoneError,
)

from . import alerts, journal, settlement
from .locks import lock_payment, retrying
from .models import Attempt, JournalEntry, Payment
from .outcomes import ActionRequired, Cancelled, Declined, Outcome, Pending, Succeeded, Unknown

State = Attempt.State
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
) -> Attempt:
    """Write down that a PSP is about to be asked for this payment; commit before asking.

    The amount is the payment's, in units of its currency. Raises ``AlreadyChargedError``,
    ``PaymentGoneError``, and ``AttemptOpenError`` while another attempt is open.
    """
    with transaction.atomic():
        locked = _lock_payable(payment)
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


def record(attempt: Attempt, outcome: Outcome, *, by: str = "", request: Any = None) -> Attempt:
    """Write down what the PSP answered; return the attempt as it is stored now.

    Idempotent, and safe when a webhook, a return and a reconciler report at once.
    """
    by = by or journal.by_moocher(attempt.moocher)
    if isinstance(outcome, Succeeded):
        settlement.settle(attempt, outcome, by=by, request=request)
    else:
        _advance(attempt, outcome, by)
    return Attempt.objects.select_related("payment__user").get(pk=attempt.pk)


@retrying
def _advance(attempt: Attempt, outcome: Outcome, by: str) -> None:
    sources, changes = _transition(outcome)
    if reference := getattr(outcome, "psp_reference", None):
        changes["psp_reference"] = reference
    now = timezone.now()
    changes["updated_at"] = now
    if changes["state"] not in Attempt.OPEN:
        changes["ended_at"] = now
    with transaction.atomic():
        lock_payment(attempt.payment_id)
        rows = models.QuerySet(Attempt).filter(pk=attempt.pk, state__in=sources)
        before = rows.values_list("state", flat=True).first()
        if before is None or not rows.update(**changes):
            return
        if before != changes["state"]:
            detail = {"from": before, "to": str(changes["state"])}
            _journal(attempt, detail, getattr(outcome, "reason", ""), by)


def _journal(attempt: Attempt, detail: dict[str, str], reason: str, by: str) -> None:
    verb = JournalEntry.Verb.ATTEMPT_CHANGED
    journal.attempt(verb, attempt, actor=by, reason=reason, detail=detail)
    if detail["to"] == State.UNKNOWN:
        text = f"Attempt {attempt.reference} of payment {attempt.payment_id}: {reason}"
        transaction.on_commit(lambda: alerts.tell_admins("Outcome of an attempt unknown", text))


def _transition(outcome: Outcome) -> tuple[tuple[State, ...], dict[str, Any]]:
    match outcome:
        case Declined():
            evidence = dict(outcome.evidence)
            code = str(outcome.code)
            return Attempt.OPEN, {
                "state": State.FAILED,
                "failure_code": code,
                "evidence": evidence,
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
