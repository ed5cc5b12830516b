"""Payments written by code that knows nothing of attempts: django-mooch's moochers, processors.

They set ``charged_at`` and call ``save()``. Here that becomes: the first writer charges,
everybody later changes nothing, and what arrives for a payment that is gone is evidence.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from django.db import models, transaction

from . import alerts, journal, settlement
from .locks import lock_payment, retrying
from .models import Attempt, Event, JournalEntry, Payment
from .outcomes import Succeeded


#: What may be saved while a payment is pending, and when it is not.
_PENDING_FIELDS = frozenset({"email", "payment_service_provider", "transaction"})
_CHARGED_FIELDS = frozenset({"email"})


class Confirm(Protocol):
    """Checks what a foreign moocher is about to write; raises to refuse the charge."""

    def __call__(self, payment: Payment) -> None: ...


@dataclass(frozen=True)
class Guard:
    """The attempt on whose behalf a foreign moocher runs, and the check of its claim."""

    attempt: Attempt
    confirm: Confirm


_guard: ContextVar[Guard | None] = ContextVar("payments_ui_guard", default=None)


@contextmanager
def guarded(attempt: Attempt, confirm: Confirm) -> Iterator[None]:
    """While it lasts, a save that charges the attempt's payment settles the attempt."""
    token = _guard.set(Guard(attempt, confirm))
    try:
        yield
    finally:
        _guard.reset(token)


@retrying
def save(payment: Payment, *, update_fields: Iterable[str] | None) -> None:
    """``Payment.save()`` of a stored payment."""
    charges = payment.charged_at is not None and (
        update_fields is None or "charged_at" in set(update_fields)
    )
    guard = _guard.get()
    if charges and guard and guard.attempt.payment_id == payment.pk:
        guard.confirm(payment)
    with transaction.atomic():
        stored = lock_payment(payment.pk)
        if stored is None:
            _gone_without_trace(payment, charges=charges)
            return
        fields = _writable(stored, update_fields)
        if charges and not stored.charged_at:
            fields = _charge(payment, stored, fields, guard)
        else:
            payment.charged_at = stored.charged_at
        models.Model.save(payment, update_fields=fields)


def _writable(stored: Payment, update_fields: Iterable[str] | None) -> set[str]:
    allowed = _CHARGED_FIELDS if stored.charged_at else _PENDING_FIELDS
    return set(allowed if update_fields is None else allowed.intersection(update_fields))


def _charge(
    payment: Payment, stored: Payment, fields: set[str], guard: Guard | None
) -> set[str]:
    if guard and guard.attempt.payment_id == payment.pk:
        _settle(payment, guard.attempt)
        return fields
    if stored.cancelled_at or stored.undone_at:
        _late(payment, stored)
        return set()
    journal.payment(
        JournalEntry.Verb.PAYMENT_CHARGED,
        stored,
        actor=journal.by_moocher(payment.payment_service_provider or "unknown"),
    )
    return fields | {"charged_at"}


def _settle(payment: Payment, attempt: Attempt) -> None:
    money_in = Succeeded(
        psp_reference="",
        amount=attempt.amount,
        currency=attempt.currency,
        account=attempt.account,
        live=attempt.live,
    )
    by = journal.by_moocher(attempt.moocher)
    settlement.settle(attempt, money_in, by=by, announced=True)
    payment.charged_at = Payment.all_objects.values_list("charged_at", flat=True).get(pk=payment.pk)


def _late(payment: Payment, stored: Payment) -> None:
    payment.charged_at = None
    attempt = Attempt.objects.create(
        payment=stored,
        moocher=payment.payment_service_provider or "unknown",
        amount=stored.amount,
        currency=stored.currency,
        state=Attempt.State.SURPLUS,
        idempotency_key=uuid.uuid4().hex,
    )
    settlement.set_aside(
        attempt,
        Attempt.State.SURPLUS,
        Succeeded(psp_reference="", amount=stored.amount, currency=stored.currency),
        journal.by_moocher(attempt.moocher),
        "saved as charged after it was cancelled or undone",
    )


def _gone_without_trace(payment: Payment, *, charges: bool) -> None:
    if not charges:
        return
    payment.charged_at = None
    Event.objects.get_or_create(
        moocher=payment.payment_service_provider or "unknown",
        account="",
        event_id=f"save-{payment.pk}",
        defaults={
            "state": Event.State.UNMATCHED,
            "psp_reference": str(payment.pk),
            "amount": payment.amount,
            "currency": payment.currency,
        },
    )
    text = f"Payment {payment.pk} was saved as charged after it was deleted."
    transaction.on_commit(lambda: alerts.tell_admins("Money to look at: unmatched", text))


__all__ = ["Confirm", "Guard", "guarded", "save"]
