"""What changes a recovery: a decline, or a clerk. Written with the payment locked, journalled."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction

from payments_ui.conf import settings
from payments_ui.core import clock, delivery, journal
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.exceptions import PaymentGoneError, PaymentMethodGoneError

from . import plan as planning
from .states import RecoveryState as State

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt
    from payments_ui.core.paymentmethods.model import PaymentMethod

    from .model import Recovery, RecoveryManager


def card_of(method: PaymentMethod | None) -> str:
    """What is compared to see whether the customer, or the bank, has changed the card.

    The journal keeps it for good, so it says nothing of the card itself.
    """
    return "" if method is None else f"{method.pk.hex}/{method.renewals}"


def after_decline(recoveries: RecoveryManager, attempt: Attempt, *, by: str) -> Recovery:
    """Of an attempt that failed without its user: plan the next try, or say why there is none.

    In the transaction that records the decline, with the payment locked.
    """
    method, payment = attempt.payment_method, attempt.payment
    before: Recovery | None = recoveries.filter(payment=payment).first()
    card, now = card_of(method), clock.now()
    tries = before.tries + 1 if before is not None and before.card == card else 1
    step = planning.next_step(
        _failure(attempt, tries=tries, now=now),
        after_days=tuple(settings.RETRY_AFTER_DAYS),
        hours=(settings.RETRY_HOURS[0], settings.RETRY_HOURS[1]),
    )
    changes: dict[str, Any] = {
        "payment_method": method,
        "card": card,
        "state": step.state,
        "is_hard": step.is_hard,
        "tries": tries,
        "failed_at": now,
        "failure_code": attempt.failure_code,
        "next_try_at": step.next_try_at,
        "why": step.why,
    }
    if before is None:
        before = recoveries.create(payment=payment, started_at=now, **changes)
    else:
        unguarded(before).update(**changes)
    _journal(before, changes, by=by, reason=step.why)
    if step.state == State.GIVEN_UP:
        delivery.recovery_after_commit(before)
    return before


def forbidden_card(attempt: Attempt) -> str:
    """The card of an attempt that failed, where it is never tried again without its user; or empty.

    Of one that failed while they were there, what the bank or the network forbids counts alone:
    they may have mistyped, or left.
    """
    hard = planning.hard_decline if attempt.unattended else planning.forbidden
    is_hard = hard(_failure(attempt, tries=1, now=clock.now()))
    return card_of(attempt.payment_method) if is_hard else ""


def _failure(attempt: Attempt, *, tries: int, now: dt.datetime) -> planning.Failure:
    method = attempt.payment_method
    return planning.Failure(
        at=clock.local(now, clock.zone_of(attempt.payment.user)),
        code=attempt.failure_code,
        said=attempt.evidence if isinstance(attempt.evidence, dict) else {},
        tries=tries,
        brand="" if method is None else method.brand,
        country="" if method is None else method.country,
    )


@retrying
def plan(
    recovery: Recovery, *, at: dt.datetime | None = None, by: str = journal.SYSTEM, reason: str = ""
) -> None:
    """Try again at this moment, or at the next run: a site's, or a clerk's decision.

    Raises ``PaymentMethodGoneError`` where the bank or the network forbids to try the same card
    again, and ``PaymentGoneError`` where the payment is not pending any more.
    """
    _decide(recovery, State.PLANNED, at or clock.now(), by, reason)


plan.alters_data = True  # type: ignore[attr-defined]


@retrying
def stop(recovery: Recovery, *, by: str = journal.SYSTEM, reason: str = "") -> None:
    """Try no more, until the customer changes the card.

    Raises ``PaymentGoneError`` where the payment is not pending any more.
    """
    _decide(recovery, State.WAITING, None, by, reason)


stop.alters_data = True  # type: ignore[attr-defined]


def _decide(recovery: Recovery, state: State, at: dt.datetime | None, by: str, reason: str) -> None:
    with transaction.atomic():
        locked = recovery.payment.lock()
        if locked is None or locked.charged_at or locked.cancelled_at or locked.undone_at:
            raise PaymentGoneError(f"{recovery.payment_id} is not pending any more")
        # A night may have tried it since the clerk's page was made.
        stored: Recovery = unguarded(recovery).get()
        if stored.is_hard and state == State.PLANNED:
            raise PaymentMethodGoneError(f"{stored}: {stored.why}")
        changes = {"state": state, "next_try_at": at, "why": reason}
        unguarded(recovery).update(**changes)
        _journal(recovery, changes, by=by, reason=reason)
    recovery.refresh_from_db()


def _journal(recovery: Recovery, changes: dict[str, Any], *, by: str, reason: str) -> None:
    state, at = changes["state"], changes["next_try_at"]
    is_planned = state == State.PLANNED
    verb = journal.Verb.RECOVERY_PLANNED if is_planned else journal.Verb.RECOVERY_STOPPED
    detail = {"state": str(state), "tries": changes.get("tries", recovery.tries)}
    if at is not None:
        detail["next_try_at"] = at.isoformat()
    journal.payment(verb, recovery.payment, actor=by, reason=reason, detail=detail)
