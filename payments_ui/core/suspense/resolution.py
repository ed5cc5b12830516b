"""What a person decides about money to look at: match it, give it back, or close it.

Each is compare-and-set from *open*, journalled with its reason, and final.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from payments_ui.core.attempts import settlement, unexpected_money
from payments_ui.core.attempts.outcomes import Succeeded
from payments_ui.core.db.locks import lock_payment, retrying
from payments_ui.core.models import Attempt, Payment, SuspenseItem
from payments_ui.core.privacy.redaction import scrubbed
from payments_ui.core.psp_port import psps
from payments_ui.core.refunds import requesting
from payments_ui.exceptions import (
    PaymentGoneError,
    RefundOpenError,
    SuspenseClosedError,
    SuspenseError,
    SuspenseMatchError,
)

from . import queue
from .states import SuspenseKind as Kind
from .states import SuspenseState as State


@retrying
def match(item: SuspenseItem, payment: Payment, *, by: str, reason: str) -> Attempt:
    """Charge this pending payment with the money; what is left over is surplus.

    Returns the attempt that is settled. Raises ``SuspenseMatchError`` for another currency
    or too little money, ``SuspenseClosedError``, ``RefundOpenError`` while the money is
    being given back, and ``AlreadyChargedError``, ``PaymentGoneError`` or
    ``AttemptOpenError`` of the payment.
    """
    with _decided(item, State.MATCHED, by, reason, payment=payment):
        amount = _covering(item, payment)
        attempt = settlement.attempt_by_hand(payment, by=by)
        money_in = settlement.what_was_asked(
            attempt,
            psp_reference=attempt.psp_reference or "",
            evidence={"suspense_item": item.pk},
        )
        settled = settlement.settle(attempt, money_in, by=by, reason=reason)
        if amount > payment.amount:
            _keep_rest(item, payment, amount - payment.amount, by, reason)
    return settled


def give_back(item: SuspenseItem, *, by: str, reason: str) -> SuspenseItem:
    """Send the money back where it came from; return the item as it is stored then.

    By a refund of the whole amount, which may be ``manual``; the item stays open until that
    has succeeded. Money that is known from a report only was sent back by a person. Raises
    ``SuspenseError`` where no money arrived, ``SuspenseClosedError``, and ``RefundError``.
    """
    if item.amount is None:
        raise SuspenseError("No money is known to have arrived")
    if item.attempt is None:
        return _end(item, State.RETURNED, by, reason)

    def still_open(_attempt: Attempt) -> None:
        if not SuspenseItem.objects.open().filter(pk=item.pk).exists():
            raise SuspenseClosedError(f"{item} is closed")

    requested = requesting.request(item.attempt, by=by, reason=reason, check=still_open)
    if not requested.manual:
        psps().send_refund(requested)
    return _stored(item)


def close(item: SuspenseItem, *, by: str, reason: str) -> SuspenseItem:
    """Nothing has to be done; the reason says why. Moves no money.

    Raises ``SuspenseClosedError``, and ``RefundOpenError`` while the money is given back.
    """
    return _end(item, State.CLOSED, by, reason)


@retrying
def _end(item: SuspenseItem, state: State, by: str, reason: str) -> SuspenseItem:
    with _decided(item, state, by, reason):
        return _stored(item)


def _stored(item: SuspenseItem) -> SuspenseItem:
    stored: SuspenseItem = SuspenseItem.objects.get(pk=item.pk)
    return stored


@contextmanager
def _decided(
    item: SuspenseItem, state: State, by: str, reason: str, **fields: Any
) -> Iterator[None]:
    """End the item in a transaction of its own, under the locks of the payments it is about."""
    if not reason.strip():
        raise SuspenseError("A decision about money needs a reason")
    with transaction.atomic():
        for pk in _payments(item, fields.get("payment")):
            if lock_payment(pk) is None:
                raise PaymentGoneError(f"{pk} is cancelled")
        if item.kind != Kind.OVERDUE and _is_given_back(item):
            raise RefundOpenError(f"{item} is being given back")
        this = Q(pk=item.pk)
        if not queue.end(this, state, by=by, reason=scrubbed(reason), **fields):
            raise SuspenseClosedError(f"{item} is closed")
        yield


def _payments(item: SuspenseItem, other: Payment | None) -> list[UUID]:
    """In one order for everybody, so that two clerks do not wait for each other."""
    found = {item.attempt.payment_id} if item.attempt is not None else set()
    return sorted(found | ({other.pk} if other is not None else set()))


def _is_given_back(item: SuspenseItem) -> bool:
    return item.attempt is not None and item.attempt.refunds.open().exists()


def _covering(item: SuspenseItem, payment: Payment) -> Decimal:
    """The money of the item; raises unless it covers the payment."""
    if item.amount is None or item.kind == Kind.OVERDUE:
        raise SuspenseMatchError("No money is known to have arrived")
    if item.currency != payment.currency or item.amount < payment.amount:
        wanted = f"{payment.amount} {payment.currency}"
        raise SuspenseMatchError(f"{item.amount} {item.currency} is not {wanted}")
    return item.amount


def _keep_rest(item: SuspenseItem, payment: Payment, rest: Decimal, by: str, reason: str) -> None:
    whose, origin = payment, item.attempt
    if origin is not None:
        whose = origin.payment
    evidence = {"suspense_item": item.pk}
    money_in = Succeeded(psp_reference="", amount=rest, currency=item.currency, evidence=evidence)
    # No PSP knows this part as a charge of its own: a person sends it back.
    unexpected_money.keep_surplus(whose, "manual", money_in, by=by, reason=reason, manual=True)
