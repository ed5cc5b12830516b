"""Giving money back: reserved and committed first, then sent.

A refund belongs to the attempt with which the money arrived. What is reserved on that attempt
is never more than what arrived, and at most one of its refunds is open: so two clerks at once
give money back once. What the PSP answers is recorded in ``refunds.transitions``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.attempts.states import AttemptState
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying
from payments_ui.core.disputes.states import DisputeState
from payments_ui.core.psp_port import psps
from payments_ui.exceptions import (
    InvalidAmountError,
    NotChargedError,
    NothingToRefundError,
    PaymentDisputedError,
    RefundChangedError,
    RefundError,
    RefundOpenError,
    RefundTooMuchError,
)

from .transitions import reserve

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt
    from payments_ui.core.payments.model import Payment

    from .model import Refund


def refund(
    payment: Payment,
    amount: Decimal | int | str | None = None,
    *,
    reason: str,
    by: str = journal.SYSTEM,
    refunded_before: Decimal | None = None,
) -> Refund:
    """Give money back: this amount, in units of ``currency``, or all that is left.

    The PSP that took it is asked where it can; otherwise the refund is ``manual`` and
    stays requested until a person says in the admin that the money is sent. With
    ``refunded_before``, the ``refunded_amount`` that the caller saw, it is refused
    where something was given back since. Outside of transactions.

    Raises ``InvalidAmountError`` for what is no whole number of minor units above zero,
    ``NotChargedError``, and a ``RefundError`` where nothing or less is left, while
    another refund is open, while the customer's bank disputes it, or without a reason.
    """

    def still_charged(attempt: Attempt) -> None:
        if not attempt.payment.charged_at:
            raise NotChargedError(f"{payment.pk} is not charged")

    requested = payment.settled_attempt().request_refund(
        amount, by=by, reason=reason, refunded_before=refunded_before, check=still_charged
    )
    return requested if requested.manual else psps().send_refund(requested)


refund.alters_data = True  # type: ignore[attr-defined]


@retrying
def request_refund(
    attempt: Attempt,
    amount: Decimal | int | str | None = None,
    *,
    by: str = journal.SYSTEM,
    reason: str,
    refunded_before: Decimal | None = None,
    check: Callable[[Attempt], object] | None = None,
) -> Refund:
    """Write down that money is to be given back; commit before the PSP is asked.

    Of any attempt with which money arrived; ``None`` is all that is left. Unexpected money
    is given back whole. A refund that no PSP can be asked for is ``manual``: a person sends
    the money. ``check`` is called with the locked attempt and may raise. Raises as
    ``Payment.refund``, and ``RuntimeError`` inside a transaction, unless a person sends the
    money.
    """
    if not reason.strip():
        raise RefundError("A refund needs a reason")
    asked = None if amount is None else money.payment_amount(amount)
    if attempt.received_amount is None:  # what the caller holds is from before money arrived
        attempt = attempt.as_stored()
    manual = attempt.manual or not psps().can_refund(attempt)
    # Durable where a PSP is asked next: it is never asked for what may yet be rolled back.
    with transaction.atomic(durable=not manual):
        current: Attempt = attempt.lock_payment().attempts.get(pk=attempt.pk)
        if check is not None:
            check(current)
        amount = _amount(current, asked, refunded_before)
        # First, as the database accepts a refund only of what is reserved.
        reserve(current, amount)
        requested: Refund = current.refunds.create(
            payment=current.payment,
            amount=amount,
            currency=current.received_currency,
            idempotency_key=secrets.token_hex(16),
            manual=manual,
            reason=text(reason),
        )
        journal.refund(journal.Verb.REFUND_REQUESTED, requested, actor=by, reason=reason)
    failpoints.hit(Point.REFUND_AFTER_REQUEST)
    return requested


request_refund.alters_data = True  # type: ignore[attr-defined]


def _said(attempt: Attempt, amount: Decimal | None) -> str:
    return money.format_arrived(amount, attempt.received_currency)


def _amount(attempt: Attempt, asked: Decimal | None, refunded_before: Decimal | None) -> Decimal:
    """Return what this request gives back of the locked attempt's money, or raise why not."""
    left = _left(attempt)
    if refunded_before not in (None, attempt.refunded_amount):
        looked, now = _said(attempt, refunded_before), _said(attempt, attempt.refunded_amount)
        raise RefundChangedError(f"{looked} was refunded when you looked, now it is {now}")
    if not left or attempt.is_matched:
        raise NothingToRefundError(f"Nothing is left of attempt {attempt.reference}")
    if asked is None:
        return left
    if asked <= 0:
        raise InvalidAmountError(f"{asked} cannot be given back: amounts are above zero")
    currency = attempt.received_currency
    amount = money.from_minor_units(money.to_minor_units(asked, currency), currency)
    if amount > left:
        raise RefundTooMuchError(f"{_said(attempt, amount)} is more than {_said(attempt, left)}")
    if attempt.state != AttemptState.SETTLED and amount != left:
        raise RefundError("Unexpected money is given back whole")
    return amount


def _left(attempt: Attempt) -> Decimal:
    """What can be given back, as long as nothing else moves this money."""
    if attempt.is_partly_paid:
        raise RefundError(f"Attempt {attempt.reference} takes more: cancel it first")
    if attempt.refunds.open().exists():
        raise RefundOpenError(f"A refund of attempt {attempt.reference} is open")
    left = attempt.refundable_amount
    # An inquiry has taken nothing, and a refund is one way to answer it.
    disputes = attempt.disputes.open().exclude(state=DisputeState.INQUIRY)
    if disputes.exists() or (attempt.disputed_amount and not left):
        raise PaymentDisputedError(f"Attempt {attempt.reference} is disputed, or was taken back")
    return left
