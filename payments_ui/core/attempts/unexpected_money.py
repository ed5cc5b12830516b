"""Money that arrived: stored with its attempt, or set aside where it does not fit.

*Surplus* is money nobody owes, *mismatch* is not what was asked for, *unmatched* belongs to
nothing known. All of it runs in the caller's transaction, under the payment's lock.
"""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone

from payments_ui.core import journal
from payments_ui.core.db.json_safe import storable
from payments_ui.core.models import Attempt, Event, JournalEntry, Payment, SuspenseItem
from payments_ui.core.suspense import queue

from .outcomes import Succeeded
from .states import AttemptState as State

Verb = JournalEntry.Verb


def is_taken(attempt: Attempt, psp_reference: str | None) -> bool:
    """Whether another attempt has this reference of the same PSP and account."""
    same = Attempt.objects.filter(
        moocher=attempt.moocher, account=attempt.account, psp_reference=psp_reference or None
    )
    return bool(psp_reference) and same.exclude(pk=attempt.pk).exists()


def close(
    attempt: Attempt, state: State, money_in: Succeeded, by: str = journal.SYSTEM, **fields: Any
) -> None:
    """Store that this money arrived for the attempt, and in which state it ends."""
    now = timezone.now()
    taken = is_taken(attempt, money_in.psp_reference)
    models.QuerySet(Attempt).filter(pk=attempt.pk).update(
        state=state,
        psp_reference=(not taken and money_in.psp_reference) or attempt.psp_reference,
        received_amount=money_in.amount,
        received_currency=money_in.currency,
        evidence=storable(money_in.evidence),
        failure_code="",
        updated_at=now,
        ended_at=now,
        **fields,
    )
    queue.answered(by, attempt=attempt.pk)


def set_aside(attempt: Attempt, state: State, money_in: Succeeded, by: str, reason: str) -> None:
    """Store money that does not fit with its attempt, for a person to look at."""
    verb = Verb.MONEY_SURPLUS if state == State.SURPLUS else Verb.MONEY_MISMATCH
    close(attempt, state, money_in, by)
    detail = {
        "received": str(money_in.amount),
        "currency": money_in.currency,
        "psp_reference": money_in.psp_reference,
        "account": money_in.account,
        "live": money_in.live,
    }
    journal.attempt(verb, attempt, actor=by, reason=reason, detail=detail)
    queue.open_item(
        SuspenseItem.Kind(state),
        attempt=attempt,
        amount=money_in.amount,
        currency=money_in.currency,
    )


def keep_surplus(
    payment: Payment,
    moocher: str,
    money_in: Succeeded,
    *,
    by: str,
    reason: str,
    **fields: Any,
) -> Attempt:
    """Store money that nobody asked for as an attempt of its own, for a person to look at."""
    extra = Attempt.objects.create(
        payment=payment,
        moocher=moocher,
        amount=Decimal(0),
        currency=payment.currency,
        # Never open, not even for a moment: another attempt may be.
        state=State.SURPLUS,
        idempotency_key=secrets.token_hex(16),
        **fields,
    )
    set_aside(extra, State.SURPLUS, money_in, by, reason)
    return extra


def keep_charge(payment: Payment, moocher: str) -> Attempt:
    """Store that code which knows nothing of attempts has charged the payment.

    ``post_charge`` is that code's own to send.
    """
    now = timezone.now()
    charge: Attempt = Attempt.objects.create(
        payment=payment,
        moocher=moocher,
        amount=payment.amount,
        currency=payment.currency,
        # Never open, not even for a moment: another attempt may be.
        state=State.SETTLED,
        received_amount=payment.amount,
        received_currency=payment.currency,
        idempotency_key=secrets.token_hex(16),
        started_at=now,
        ended_at=now,
        announced_at=now,
    )
    return charge


def unmatched(event: Event, by: str, reason: str = "", **facts: Any) -> None:
    """Journal money that belongs to no attempt, for a person to look at."""
    journal.write(
        Verb.MONEY_UNMATCHED,
        **facts,
        total=event.amount,
        currency=event.currency,
        actor=by,
        reason=reason,
        detail={"event": event.pk, "psp_reference": event.psp_reference},
    )
    queue.open_item(
        SuspenseItem.Kind.UNMATCHED, event=event, amount=event.amount, currency=event.currency
    )
