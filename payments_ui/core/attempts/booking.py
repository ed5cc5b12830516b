"""Booking a charge for which no PSP is asked: a person saw the money, or the amount is zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from payments_ui.core import journal
from payments_ui.core.db.locks import retrying
from payments_ui.exceptions import AlreadyChargedError, AttemptOpenError, PaymentStateError

if TYPE_CHECKING:
    from payments_ui.core.payments.model import Payment

    from .model import Attempt

#: Stands for the moocher of an attempt that settles a payment of zero.
BALANCE = "balance"


@retrying
def book_by_hand(payment: Payment, *, by: str, reason: str, reference: str = "") -> Attempt:
    """Charge a pending payment because a person saw its money; settles an open transfer.

    Raises ``AlreadyChargedError``, ``PaymentGoneError``, ``AttemptOpenError`` while an
    attempt at a PSP is open, which has to be looked at itself, and ``PaymentStateError``
    where money with this ``reference`` was booked before.
    """
    with transaction.atomic():
        attempt = payment.manual_attempt(by=by)
        if attempt.is_taken(reference):
            raise PaymentStateError(f"Money with the reference {reference!r} was booked before")
        return attempt.book_by_hand(by=by, reason=reason, reference=reference)


book_by_hand.alters_data = True  # type: ignore[attr-defined]


def manual_attempt(payment: Payment, *, by: str) -> Attempt:
    """Return the open transfer of a pending payment, or start an attempt of a person's own.

    In the caller's transaction; locks the payment. Raises as ``book_by_hand``.
    """
    payment.lock()
    transfer: Attempt | None = payment.attempts.open().filter(manual=True).first()
    return transfer or payment.start_attempt(moocher="manual", manual=True, by=by)


manual_attempt.alters_data = True  # type: ignore[attr-defined]


def book_attempt_by_hand(attempt: Attempt, *, by: str, reason: str, reference: str = "") -> Attempt:
    """Book what was asked for as arrived, because a person saw it; any attempt, at any time.

    Returns the attempt: settled, or surplus where the payment was charged or cancelled
    meanwhile.
    """
    money_in = attempt.exact_outcome(
        psp_reference=attempt.psp_reference or reference,
        evidence={"reference": reference} if reference else {},
    )
    return attempt.settle(money_in, by=by, reason=reason)


book_attempt_by_hand.alters_data = True  # type: ignore[attr-defined]


@retrying
def settle_zero(payment: Payment) -> None:
    """Charge a payment of zero, for which no PSP is needed; repeating it changes nothing.

    Raises ``PaymentGoneError``.
    """
    try:
        # One transaction: no PSP is asked, so no half of it could be completed later.
        with transaction.atomic():
            attempt = payment.start_attempt(moocher=BALANCE, manual=True)
            attempt.settle(attempt.exact_outcome(), by=journal.SYSTEM, reason="nothing to pay")
    except (AlreadyChargedError, AttemptOpenError):
        pass  # another click settles it, or did
    payment.refresh_from_db()


settle_zero.alters_data = True  # type: ignore[attr-defined]
