"""Payments written by code that knows nothing of attempts: django-mooch's moochers, processors.

They set ``charged_at`` and call ``save()``. Here that becomes: the first writer charges,
later writers change nothing, and what arrives for a payment that is gone is evidence.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from django.db import models, transaction
from django.utils import timezone

from payments_ui.core import journal
from payments_ui.core.attempts.outcomes import Succeeded
from payments_ui.core.attempts.states import AttemptState
from payments_ui.core.attempts.unexpected_money import queue_unmatched
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying
from payments_ui.core.suspense.event import Event
from payments_ui.core.suspense.states import EventState

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt

    from .model import Payment

#: What may be saved while a payment is pending, and when it is not.
_PENDING_FIELDS = frozenset({"email", "payment_service_provider", "transaction"})
_CHARGED_FIELDS = frozenset({"email"})


class _Charging(NamedTuple):
    attempt: Attempt
    verify: Callable[[Payment], None]


_charging: ContextVar[_Charging | None] = ContextVar("payments_core_charging", default=None)


@contextmanager
def charging(attempt: Attempt, verify: Callable[[Payment], None]) -> Iterator[None]:
    """While it lasts, a save that charges the attempt's payment settles the attempt.

    ``verify`` is called with the payment before that, and raises unless it is a charge.
    """
    token = _charging.set(_Charging(attempt, verify))
    try:
        yield
    finally:
        _charging.reset(token)


@retrying
def save(payment: Payment, *, update_fields: Iterable[str] | None) -> None:
    """``Payment.save()`` of a stored payment."""
    charges = payment.charged_at is not None and (
        update_fields is None or "charged_at" in set(update_fields)
    )
    running = _charging.get()
    if charges and running and running.attempt.payment_id == payment.pk:
        running.verify(payment)
    # A moocher of django-mooch may write down all it was posted.
    payment.transaction = text(payment.transaction)
    with transaction.atomic():
        stored = payment.lock()
        if stored is None:
            _gone_without_trace(payment, charges=charges)
            return
        fields = _writable(stored, update_fields)
        if charges and payment.charged_at != stored.charged_at:
            fields = _charge(payment, stored, fields, running)
        else:
            payment.charged_at = stored.charged_at
        models.Model.save(payment, update_fields=fields)


def _writable(stored: Payment, update_fields: Iterable[str] | None) -> set[str]:
    allowed = _CHARGED_FIELDS if stored.charged_at else _PENDING_FIELDS
    return set(allowed if update_fields is None else allowed.intersection(update_fields))


def _charge(
    payment: Payment, stored: Payment, fields: set[str], running: _Charging | None
) -> set[str]:
    if running and running.attempt.payment_id == payment.pk:
        _settle(payment, running.attempt)
        return fields
    if stored.charged_at or stored.cancelled_at or stored.undone_at:
        _late(payment, stored)
        return fields & _CHARGED_FIELDS
    now = timezone.now()
    attempt: Attempt = stored.attempts.create(
        moocher=payment.payment_service_provider or "unknown",
        amount=stored.amount,
        currency=stored.currency,
        # Never open, not even for a moment: another attempt may be.
        state=AttemptState.SETTLED,
        received_amount=stored.amount,
        received_currency=stored.currency,
        idempotency_key=secrets.token_hex(16),
        started_at=now,
        ended_at=now,
        # ``post_charge`` is for the code that saves to send.
        signal_sent_at=now,
    )
    journal.attempt(journal.Verb.PAYMENT_CHARGED, attempt)
    return fields | {"charged_at"}


def _settle(payment: Payment, attempt: Attempt) -> None:
    by = journal.by_moocher(attempt.moocher)
    settled = attempt.settle(attempt.exact_outcome(), by=by, signal_sent=True)
    payment.charged_at = settled.payment.charged_at


def _late(payment: Payment, stored: Payment) -> None:
    payment.charged_at = stored.charged_at
    moocher = payment.payment_service_provider or "unknown"
    # The same PSP tells of a charge by callback and by return: that is no second money.
    if stored.charged_at and moocher == (stored.payment_service_provider or "unknown"):
        return
    evidence = {"transaction": text(payment.transaction)}
    kept = stored.attempts.filter(state=AttemptState.SURPLUS, moocher=moocher)
    if any(attempt.evidence == evidence for attempt in kept):
        return
    money_in = Succeeded(
        psp_reference="", amount=stored.amount, currency=stored.currency, evidence=evidence
    )
    reason = "saved as charged after it was charged, cancelled or undone"
    by = journal.by_moocher(moocher)
    stored.record_surplus(moocher, money_in, by=by, reason=reason)


def _gone_without_trace(payment: Payment, *, charges: bool) -> None:
    if not charges:
        return
    payment.charged_at = None
    moocher = payment.payment_service_provider or "unknown"
    event, first = Event.objects.get_or_create(
        moocher=moocher,
        account="",
        event_id=f"save-{payment.pk}",
        defaults={
            "state": EventState.UNMATCHED,
            "psp_reference": str(payment.pk),
            "amount": payment.amount,
            "currency": payment.currency,
        },
    )
    if first:
        reason = "saved as charged after it was cancelled"
        by, facts = journal.by_moocher(moocher), {"user_id": payment.user_id}
        queue_unmatched(event, by=by, reason=reason, payment_id=payment.pk, **facts)


__all__ = ["charging", "save"]
