"""Giving money back: reserved and written down first, then sent.

A refund belongs to the attempt with which the money arrived. What is reserved there is
never more than what arrived, and at most one of its refunds is open: so two clerks at once
give money back once. What the PSP answers is written down in ``returning``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import lock_payment, retrying
from payments_ui.core.models import Attempt, JournalEntry, Payment, Refund
from payments_ui.core.privacy.redaction import scrubbed
from payments_ui.core.psp_port import psps
from payments_ui.core.suspense import queue
from payments_ui.exceptions import (
    InvalidAmountError,
    NotChargedError,
    NothingToRefundError,
    RefundChangedError,
    RefundError,
    RefundOpenError,
    RefundTooMuchError,
)

from .transitions import not_sent, record, reserve, sent

__all__ = [
    "left",
    "not_sent",
    "record",
    "refund",
    "request",
    "sent",
    "settled_attempt",
]

Amount = Decimal | int | str


@dataclass(frozen=True)
class _Wish:
    amount: Decimal | None
    seen: Decimal | None
    is_of_payment: bool
    manual: bool
    reason: str
    by: str
    check: Callable[[Attempt], object] | None


def refund(
    payment: Payment,
    amount: Amount | None,
    *,
    by: str,
    reason: str,
    refunded_before: Decimal | None = None,
) -> Refund:
    """See ``Payment.refund``."""
    requested = request(payment, amount, by=by, reason=reason, refunded_before=refunded_before)
    return requested if requested.manual else psps().send_refund(requested)


def request(
    source: Attempt | Payment,
    amount: Amount | None = None,
    *,
    by: str = journal.SYSTEM,
    reason: str,
    refunded_before: Decimal | None = None,
    check: Callable[[Attempt], object] | None = None,
) -> Refund:
    """Write down that money is to be given back; commit before the PSP is asked.

    Of a charged payment, or of any attempt with which money arrived; ``None`` is all that
    is left. Money that was set aside is given back whole. A refund that no PSP can be asked
    for is ``manual``: a person sends the money. ``check`` is called with the locked attempt and
    may raise. Raises as ``Payment.refund``, and
    ``RuntimeError`` inside a transaction, unless a person sends the money.
    """
    if not reason.strip():
        raise RefundError("A refund needs a reason")
    attempt = _attempt_of(source)
    wish = _Wish(
        amount=None if amount is None else money.exact_amount(amount),
        seen=refunded_before,
        is_of_payment=isinstance(source, Payment),
        manual=attempt.manual or not psps().can_refund(attempt),
        reason=scrubbed(reason),
        by=by,
        check=check,
    )
    requested = _request(attempt, wish)
    failpoints.hit(Point.REFUND_AFTER_REQUEST)
    return requested


def _attempt_of(source: Attempt | Payment) -> Attempt:
    if isinstance(source, Payment):
        return settled_attempt(source)
    # What a caller holds may be from before its money arrived.
    stored: Attempt = Attempt.objects.get(pk=source.pk)
    return stored


def settled_attempt(payment: Payment) -> Attempt:
    """The attempt that charged the payment; raises ``NotChargedError``."""
    attempt: Attempt | None = payment.attempts.filter(settled_payment=payment.pk).first()
    if attempt is None:
        raise NotChargedError(f"{payment.pk} is not charged")
    return attempt


def left(attempt: Attempt) -> Decimal:
    """What of the money that arrived can still be given back, in its currency."""
    rest = attempt.received - attempt.refunded_amount
    return money.round_amount(rest, attempt.received_currency) if rest else Decimal(0)


@retrying
def _request(attempt: Attempt, wish: _Wish) -> Refund:
    # Durable where a PSP is asked next: nobody asks for what may yet be rolled back.
    with transaction.atomic(durable=not wish.manual):
        payment = lock_payment(attempt.payment_id)
        assert payment is not None  # noqa: S101 - PROTECT: an attempt has its payment
        if wish.is_of_payment and not payment.charged_at:
            raise NotChargedError(f"{payment.pk} is not charged")
        current = Attempt.objects.get(pk=attempt.pk)
        if wish.check is not None:
            wish.check(current)
        amount = _amount(current, wish)
        # First, as the database takes a refund only of what is reserved.
        reserve(current, amount)
        requested: Refund = Refund.objects.create(
            payment=payment,
            attempt=current,
            amount=amount,
            currency=current.received_currency,
            idempotency_key=secrets.token_hex(16),
            manual=wish.manual,
            reason=wish.reason,
        )
        verb = JournalEntry.Verb.REFUND_REQUESTED
        journal.refund(verb, requested, actor=wish.by, reason=wish.reason)
    return requested


def _amount(attempt: Attempt, wish: _Wish) -> Decimal:
    """What this wish gives back of the locked attempt's money; raises why it cannot."""
    if attempt.refunds.open().exists():
        raise RefundOpenError(f"A refund of attempt {attempt.reference} is open")
    if wish.seen is not None and wish.seen != attempt.refunded_amount:
        raise RefundChangedError(f"{wish.seen} was seen, {attempt.refunded_amount} is refunded")
    rest = left(attempt)
    if not rest or queue.is_used(attempt):
        raise NothingToRefundError(f"Nothing is left of attempt {attempt.reference}")
    amount = rest if wish.amount is None else _exact(wish.amount, attempt.received_currency)
    if amount > rest:
        raise RefundTooMuchError(f"{amount} is more than {rest}")
    if attempt.state != Attempt.State.SETTLED and amount != rest:
        raise RefundError("Money that was set aside is given back whole")
    return amount


def _exact(amount: Decimal, currency: str) -> Decimal:
    if amount <= 0:
        raise InvalidAmountError(f"{amount} cannot be given back: amounts are above zero")
    return money.from_minor_units(money.to_minor_units(amount, currency), currency)
