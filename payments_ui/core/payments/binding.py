"""Binding line items to a payment, and letting go of them: write first, then read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models, router, transaction
from django.utils import timezone

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import lock_payment, retrying
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    InvalidAmountError,
    InvalidCurrencyError,
    MixedCurrenciesError,
    NotChargedError,
    PaymentGoneError,
    PaymentStateError,
    RefundOpenError,
    RefundRequiredError,
)

from . import binding_sql

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

# Of a list of line items, so that no database's limit of parameters is reached.
_CHUNK = 10_000
# What Payment.amount holds; SQLite keeps 15 digits of it exactly.
_LIMIT = Decimal(10) ** 11


class _NothingToBind(Exception):
    pass


@retrying
def create_pending(
    *,
    user: AbstractBaseUser,
    keys: Sequence[Any] | None,
    currency: str | None,
    by: str,
    fields: Mapping[str, Any],
) -> Payment | None:
    """See ``Payment.objects.create_pending``.

    Insert a draft, bind by one conditional UPDATE what is unbound at that moment, sum
    what was bound, seal. Row locks make concurrent callers wait and then bind the rest;
    an item added meanwhile is simply not bound. The draft never leaves its transaction.
    """
    if currency is not None and not money.is_currency(currency):
        raise InvalidCurrencyError(f"{currency!r} is not a currency the kit can charge in")
    payment = _draft(user, currency or "", fields)
    using = router.db_for_write(Payment, instance=user)
    try:
        with transaction.atomic(using=using):
            binding_sql.insert(payment, using)
            failpoints.hit(Point.CREATE_AFTER_INSERT)
            if not _bind(payment, currency, keys, using):
                raise _NothingToBind
            failpoints.hit(Point.CREATE_AFTER_BIND)
            _seal(payment, binding_sql.journal_bound(payment, by, using), using)
            failpoints.hit(Point.CREATE_BEFORE_COMMIT)
    except _NothingToBind:
        return None
    return payment


def _draft(user: Any, currency: str, fields: Mapping[str, Any]) -> Payment:
    draft = {"id": uuid.uuid4(), "email": getattr(user, user.get_email_field_name(), "") or ""}
    return Payment(**draft | dict(fields), user=user, amount=Decimal(0), currency=currency)


def _bind(payment: Payment, currency: str | None, keys: Sequence[Any] | None, using: str) -> int:
    if keys is None:
        return binding_sql.bind(payment, currency, using)
    unbound = LineItem.objects.using(using).filter(user=payment.user_id).unbound().order_by()
    if currency:
        unbound = unbound.filter(currency=currency)
    return sum(
        models.QuerySet.update(unbound.filter(pk__in=keys[at : at + _CHUNK]), payment=payment)
        for at in range(0, len(keys), _CHUNK)
    )


def _seal(payment: Payment, bound: binding_sql.Bound, using: str) -> None:
    if not bound.currency:
        raise MixedCurrenciesError("The line items have several currencies: name one")
    amount = money.round_amount(bound.total, bound.currency)
    if bound.total < 0 or (bound.total and not amount):
        raise _NothingToBind
    if amount >= _LIMIT:
        raise InvalidAmountError(f"A payment of {amount} is more than the books can hold")
    payment.amount, payment.currency, payment.sealed_at = amount, bound.currency, timezone.now()
    binding_sql.seal(payment, using)


@retrying
def cancel_pending(payment: Payment, *, by: str, reason: str) -> None:
    """See ``Payment.cancel_pending``."""
    with transaction.atomic():
        locked = lock_payment(payment.pk, **_PENDING) or _refuse(payment)
        if locked.open_attempt:
            raise AttemptOpenError(f"{locked.open_attempt} is open")
        now = timezone.now()
        stored: models.QuerySet[Payment] = models.QuerySet(Payment).filter(pk=payment.pk)
        # First, as the database lets line items go only from a payment that nobody can pay.
        stored.update(cancelled_at=now)
        items = _release(locked)
        journal.payment(
            JournalEntry.Verb.PAYMENT_CANCELLED, locked, actor=by, reason=reason, items=items
        )
        if not locked.attempts.exists():
            stored.delete()
        failpoints.hit(Point.CANCEL_BEFORE_COMMIT)
    payment.cancelled_at = now
    payment.__dict__.pop("open_attempt", None)


@retrying
def undo(payment: Payment, *, by: str, reason: str, force: bool) -> None:
    """See ``Payment.undo``."""
    if force and not reason:
        raise PaymentStateError("undo(force=True) needs a reason")
    with transaction.atomic():
        locked = lock_payment(payment.pk, charged_at__isnull=False)
        if locked is None:
            raise NotChargedError(f"{payment.pk} is not charged")
        if locked.open_attempt:
            raise AttemptOpenError(f"{locked.open_attempt} is open")
        settled = locked.attempts.get(settled_payment=payment.pk)
        if settled.refunds.open().exists():
            raise RefundOpenError(f"A refund of {payment.pk} is open")
        if not force and _psp_has_money(locked, settled):
            raise RefundRequiredError("A PSP took this money: use refund, or force with a reason")
        now = timezone.now()
        models.QuerySet(Payment).filter(pk=payment.pk).update(charged_at=None, undone_at=now)
        journal.payment(
            JournalEntry.Verb.PAYMENT_UNDONE,
            locked,
            actor=by,
            reason=reason,
            items=_release(locked),
        )
        failpoints.hit(Point.UNDO_BEFORE_COMMIT)
    payment.charged_at, payment.undone_at = None, now


def _psp_has_money(payment: Payment, settled: Attempt) -> bool:
    """Whether a PSP took what charged the payment, and has not given all of it back."""
    # Money of a PSP that a person matched stays the PSP's to give back.
    matched = payment.suspense_items.filter(state="matched", attempt__manual=False)
    if settled.manual and not matched.exists():
        return False
    # Nothing is known of who charged it.
    is_anybody = bool(payment.payment_service_provider)
    return is_anybody and settled.refunded_amount < settled.received


_PENDING = {"charged_at__isnull": True, "cancelled_at__isnull": True, "undone_at__isnull": True}


def _refuse(payment: Payment) -> Payment:
    """Raise what keeps this payment from being pending, by what is stored."""
    stored = Payment.all_objects.filter(pk=payment.pk).first()
    if stored is not None and stored.charged_at:
        raise AlreadyChargedError(f"{payment.pk} is charged")
    raise PaymentGoneError(f"{payment.pk} is cancelled or undone")


def _release(payment: Payment) -> int:
    bound = LineItem.objects.filter(payment=payment).order_by()
    return models.QuerySet.update(bound, payment=None)
