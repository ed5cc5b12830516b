"""Booking a charge for which no PSP is asked: a person saw the money, or the amount is zero."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db import IntegrityError, transaction

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying
from payments_ui.core.privacy.redaction import redact
from payments_ui.core.psp_port import psps
from payments_ui.core.suspense.event import Event
from payments_ui.core.suspense.states import EventState
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    InvalidAmountError,
    PartWithoutTransferError,
    PaymentStateError,
    ReferenceTakenError,
)

from .receiving import Source
from .states import BY_HAND

if TYPE_CHECKING:
    from payments_ui.core.payments.model import Payment

    from .model import Attempt

#: Stands for the moocher of an attempt that settles a payment of zero.
BALANCE = "balance"


@retrying
def book_by_hand(
    payment: Payment,
    *,
    by: str,
    reason: str,
    amount: Decimal | int | str | None = None,
    reference: str = "",
    arrived_on: dt.date | None = None,
    payer: str = "",
    missing_before: Decimal | None = None,
) -> Attempt:
    """Book money for a pending payment because a person saw it; settles an open transfer.

    ``amount``, in units of the payment's currency, is what arrived; ``None`` is all that is
    missing. A part is added to an open transfer, which settles with the rest; what is more than
    asked for is surplus. ``reference`` is the bank's own of this arrival, of the day
    ``arrived_on``, from ``payer``. With ``missing_before``, what was missing when the caller
    looked, it is refused where something arrived since: a form that is sent twice books once.
    Returns the attempt as it is stored then.

    Raises ``InvalidAmountError`` for what is no whole number of minor units above zero,
    ``AlreadyChargedError``, ``PaymentGoneError``, ``AttemptOpenError`` while an attempt at a PSP
    is open, which has to be looked at itself, ``PartWithoutTransferError`` for a part where no
    transfer is awaited, ``ReferenceTakenError`` where money with this ``reference`` was booked
    before, and ``PaymentStateError`` where something arrived since ``missing_before``.
    """
    with transaction.atomic():
        attempt = payment.manual_attempt(by=by)
        if missing_before not in (None, attempt.missing):
            looked, now = (
                money.format_amount(each, attempt.currency)
                for each in (missing_before or Decimal(0), attempt.missing)
            )
            raise PaymentStateError(f"{looked} was missing when you looked, now it is {now}")
        if not attempt.amount:
            return attempt.book_by_hand(by=by, reason=reason, reference=reference)
        arrived = attempt.missing if amount is None else _whole(amount, attempt.currency)
        if arrived < attempt.missing and attempt.moocher == BY_HAND:
            part, whole = (
                money.format_amount(each, attempt.currency) for each in (arrived, attempt.missing)
            )
            raise PartWithoutTransferError(f"{part} of {whole}")
        event = _report(attempt, arrived, reference, arrived_on=arrived_on, payer=payer)
        return attempt.receive(
            arrived, attempt.currency, by=by, reason=reason, source=Source(event)
        )


book_by_hand.alters_data = True  # type: ignore[attr-defined]


def _whole(amount: Decimal | int | str, currency: str) -> Decimal:
    asked = money.payment_amount(amount)
    if asked <= 0:
        raise InvalidAmountError(f"{asked} did not arrive: amounts are above zero")
    return money.from_minor_units(money.to_minor_units(asked, currency), currency)


def _report(attempt: Attempt, amount: Decimal, reference: str, *, payer: str, **said: Any) -> Event:
    """Keep what a person saw, as a bank's report is kept: each once, by its reference."""
    ours = {"moocher": attempt.moocher, "account": attempt.account}
    taken = f"Money with the reference {reference!r} was booked before"
    # As references of attempts, too: by them PSPs and earlier bookings are known.
    if attempt.is_taken(reference) or (reference and _is_booked_elsewhere(ours, reference)):
        raise ReferenceTakenError(taken)
    try:
        with transaction.atomic():
            return attempt.events.create(
                **ours,
                event_id=reference or f"by hand {uuid4()}",
                psp_reference=attempt.psp_reference or reference,
                amount=amount,
                currency=attempt.currency,
                payer=redact(text(payer)),
                state=EventState.PROCESSED,
                **said,
            )
    except IntegrityError as error:
        raise ReferenceTakenError(taken) from error


def _is_booked_elsewhere(ours: dict[str, str], reference: str) -> bool:
    """Whether money with this reference was booked where the account was, or is, not known.

    Where no transfer was awaited, a person books without saying on which account they saw it.
    """
    moochers = {BY_HAND}
    if ours["moocher"] == BY_HAND:
        moochers.update(identifier for identifier, _title in psps().statement_moochers())
    return Event.objects.filter(moocher__in=moochers, event_id=reference).exists()


def manual_attempt(payment: Payment, *, by: str, live: bool = True) -> Attempt:
    """Return the open transfer of a pending payment, or start an attempt of a person's own.

    The latter is for real money, or for what a service took in its test mode. In the caller's
    transaction; locks the payment. Raises as ``book_by_hand``.
    """
    payment.lock()
    transfer: Attempt | None = payment.attempts.open().filter(manual=True).first()
    return transfer or payment.start_attempt(moocher=BY_HAND, manual=True, live=live, by=by)


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
