"""Attempts begin and change here: committed before the PSP is asked, then by compare-and-set."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import transaction

from payments_ui.core import journal, notify
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.json_safe import storable
from payments_ui.core.db.locks import retrying, second_look
from payments_ui.exceptions import AlreadyChargedError, AttemptOpenError, PaymentGoneError

from .outcomes import ActionRequired, Cancelled, Declined, Outcome, Pending, Succeeded, Unknown
from .states import OPEN_STATES
from .states import AttemptState as State

if TYPE_CHECKING:
    from django.http import HttpRequest

    from payments_ui.core.payments.model import Payment

    from .model import Attempt

# From where the PSP may send the customer on. A late, weaker answer never undoes a stronger one.
_BEFORE_ACTION = (State.STARTED, State.UNKNOWN, State.REQUIRES_ACTION)
# What customers see of an attempt: if it changes, so must the journal, and the version.
_SHOWN = frozenset({"state", "action_url"})


@retrying
def start_attempt(
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
        locked = payment.lock()
        if locked is None or locked.cancelled_at or locked.undone_at:
            raise PaymentGoneError(f"{payment.pk} is cancelled or undone")
        if locked.charged_at:
            raise AlreadyChargedError(f"{payment.pk} is charged")
        if locked.open_attempt:
            raise AttemptOpenError(f"{locked.open_attempt} is open")
        if check is not None:
            check(locked)
        attempt: Attempt = locked.attempts.create(
            moocher=moocher,
            account=account,
            live=live,
            manual=manual,
            amount=locked.amount,
            currency=locked.currency,
            idempotency_key=secrets.token_hex(16),
            form_token=form_token,
        )
        journal.attempt(journal.Verb.ATTEMPT_STARTED, attempt, actor=by)
    failpoints.hit(Point.ATTEMPT_AFTER_COMMIT)
    payment.__dict__.pop("open_attempt", None)
    return attempt


start_attempt.alters_data = True  # type: ignore[attr-defined]


def record(
    attempt: Attempt,
    outcome: Outcome,
    *,
    by: str = "",
    reason: str = "",
    request: HttpRequest | None = None,
) -> Attempt:
    """Write down what the PSP answered; return the attempt as it is stored now.

    Idempotent, and safe when a webhook, a return and a reconciler report at once.
    """
    by = by or journal.by_moocher(attempt.moocher)
    if isinstance(outcome, Succeeded):
        return attempt.settle(outcome, by=by, reason=reason, request=request)
    _advance(attempt, outcome, by, reason or getattr(outcome, "reason", ""))
    return attempt.as_stored()


record.alters_data = True  # type: ignore[attr-defined]


@retrying
@second_look
def _advance(attempt: Attempt, outcome: Outcome, by: str, reason: str) -> None:
    sources, changes = _transition(outcome)
    with transaction.atomic():
        payment = attempt.lock_payment()
        before: Attempt | None = payment.attempts.filter(pk=attempt.pk, state__in=sources).first()
        if before is None:
            return
        reference = getattr(outcome, "psp_reference", None)
        if reference and not before.is_taken(reference):
            changes["psp_reference"] = reference
        changes = before.write(changes)
        if not changes:
            return
        state = changes.get("state", before.state)
        if state not in OPEN_STATES:
            before.suspense_items.close_overdue(by=by)
        if _SHOWN & changes.keys():
            detail = {"from": before.state, "to": str(state)}
            verb = journal.Verb.ATTEMPT_CHANGED
            journal.attempt(verb, before, actor=by, reason=reason, detail=detail)
            if state == State.UNKNOWN:
                text = f"Attempt {before.reference} of payment {payment.pk}: {reason}"
                notify.admins_after_commit("The outcome of an attempt is unknown", text)


def _transition(outcome: Outcome) -> tuple[tuple[State, ...], dict[str, Any]]:
    """From which states this outcome moves an attempt, and what it changes."""
    match outcome:
        case Declined():
            return OPEN_STATES, {
                "state": State.FAILED,
                "failure_code": str(outcome.code),
                "evidence": storable(outcome.evidence),
            }
        case Cancelled():
            return OPEN_STATES, {"state": State.CANCELLED}
        case ActionRequired():
            return _BEFORE_ACTION, {"state": State.REQUIRES_ACTION, "action_url": outcome.url}
        case Pending():
            return OPEN_STATES, {"state": State.PROCESSING}
        case Unknown():
            return OPEN_STATES, {"state": State.UNKNOWN}
        case _:
            raise TypeError(f"{outcome!r} is no outcome")
