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
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.recoveries.model import Recovery
from payments_ui.core.runs import claims
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    PaymentGoneError,
    PaymentMethodGoneError,
)

from .outcomes import (
    NOT_ASKED,
    ActionRequired,
    Cancelled,
    Declined,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from .reported import close_overdue, reported
from .states import OPEN_STATES
from .states import AttemptState as State

if TYPE_CHECKING:
    from django.http import HttpRequest

    from payments_ui.core.paymentmethods.model import PaymentMethod
    from payments_ui.core.payments.model import Payment

    from .model import Attempt
    from .reported import ReportedAttempt

# From where the PSP may send the customer on. A late, weaker answer never undoes a stronger one.
_BEFORE_ACTION = (State.STARTED, State.UNKNOWN, State.REQUIRES_ACTION)
# What customers see of an attempt: if it changes, so must the journal, and the version.
_SHOWN = frozenset({"state", "action_url"})
# What stays of an answer where money had arrived before.
_TOLD = frozenset({"evidence", "psp_reference"})


@retrying
def start_attempt(
    payment: Payment,
    *,
    moocher: str,
    account: str = "",
    live: bool = False,
    manual: bool = False,
    form_token: str | None = None,
    payment_method: PaymentMethod | None = None,
    unattended: bool = False,
    by: str = journal.SYSTEM,
    check: Callable[[Payment, PaymentMethod | None], object] | None = None,
) -> Attempt:
    """Write down that a PSP is about to be asked for this payment; commit before asking.

    The amount is the payment's, in units of its currency; ``unattended`` says that the customer
    is not there. ``check`` is called with the locked payment and payment method, sees how every
    attempt before ended, and may raise. Raises
    ``AlreadyChargedError``, ``PaymentGoneError``, ``AttemptOpenError`` while another
    attempt is open, ``PaymentMethodGoneError`` where the saved ``payment_method`` is not in
    use any more, and ``AlreadyTriedError`` where this run tries another payment.
    """
    with transaction.atomic():
        locked = payment.lock()
        if locked is None or locked.cancelled_at or locked.undone_at:
            raise PaymentGoneError(f"{payment.pk} is cancelled or undone")
        if locked.charged_at:
            raise AlreadyChargedError(f"{payment.pk} is charged")
        if locked.open_attempt:
            raise AttemptOpenError(f"{locked.open_attempt} is open")
        if payment_method is not None:
            payment_method = payment_method.lock()
            if not payment_method.is_active:
                raise PaymentMethodGoneError(f"{payment_method} was removed")
        if check is not None:
            check(locked, payment_method)
        claims.claim(locked)
        attempt: Attempt = locked.attempts.create(
            moocher=moocher,
            account=account,
            live=live,
            manual=manual,
            amount=locked.amount,
            currency=locked.currency,
            idempotency_key=secrets.token_hex(16),
            form_token=form_token,
            payment_method=payment_method,
            unattended=unattended,
        )
        journal.attempt(journal.Verb.ATTEMPT_STARTED, attempt, actor=by)
    failpoints.hit(Point.ATTEMPT_AFTER_COMMIT)
    payment.__dict__.pop("open_attempt", None)
    return attempt


start_attempt.alters_data = True  # type: ignore[attr-defined]


@retrying
def name_reference(attempt: Attempt, psp_reference: str) -> bool:
    """Store what the PSP calls it before it moves money, unless it has a name already.

    Compare-and-set. Whether the PSP may go on with it: it is still open, and has this name, which
    no other attempt has.
    """
    if not attempt.is_taken(psp_reference):
        unguarded(attempt).filter(psp_reference=None).update(psp_reference=psp_reference)
    stored = attempt.as_stored()
    attempt.psp_reference = stored.psp_reference
    return stored.is_open and stored.psp_reference == psp_reference


name_reference.alters_data = True  # type: ignore[attr-defined]


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
        reference = getattr(outcome, "psp_reference", None)
        before = reported(payment, attempt.pk, reference)
        if before.state not in sources:
            return
        if reference and not before.is_reference_taken:
            changes["psp_reference"] = reference
        if before.received and changes.get("state") in (State.FAILED, State.CANCELLED):
            # Called off after a part of a transfer has arrived.
            kept = {name: changes[name] for name in _TOLD & changes.keys()}
            before.end_with_part(State.MISMATCH, by=by, reason=reason, **kept)
            return
        if changes := before.write(changes):
            _follow_up(before, outcome, changes, by, reason)


def _follow_up(
    attempt: ReportedAttempt, outcome: Outcome, changes: dict[str, Any], by: str, reason: str
) -> None:
    """Everything that follows from what an outcome has changed, in its transaction."""
    state = changes.get("state", attempt.state)
    if state not in OPEN_STATES:
        close_overdue(attempt, by=by)
    if isinstance(outcome, Declined | Cancelled) and attempt.is_saving:
        for method in attempt.new_payment_methods.all():
            method.record(outcome, by=by)
    forbidden_card = _plan_recovery(attempt, outcome, by)
    if _SHOWN & changes.keys():
        detail = {"from": attempt.state, "to": str(state)}
        if forbidden_card:
            detail["never_again"] = forbidden_card
        verb = journal.Verb.ATTEMPT_CHANGED
        journal.attempt(verb, attempt, actor=by, reason=reason, detail=detail)
        if state == State.UNKNOWN:
            text = f"Attempt {attempt.reference} of payment {attempt.payment_id}: {reason}"
            notify.admins_after_commit("The outcome of an attempt is unknown", text)


def _plan_recovery(attempt: Attempt, outcome: Outcome, by: str) -> str:
    """After a decline: what is done about it; return the card that is never tried again, if any."""
    if not isinstance(outcome, Declined) or outcome.code in NOT_ASKED:
        return ""
    failed = attempt.as_stored()
    if failed.unattended:
        Recovery.objects.after_decline(failed, by=by)
    return Recovery.objects.forbidden_card(failed)


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
            facts = {"evidence": storable(outcome.evidence)} if outcome.evidence else {}
            return OPEN_STATES, {"state": State.PROCESSING, **facts}
        case Unknown():
            return OPEN_STATES, {"state": State.UNKNOWN}
        case _:
            raise TypeError(f"{outcome!r} is no outcome")
