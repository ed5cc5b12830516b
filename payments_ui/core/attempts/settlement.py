"""One idempotent ``settle`` for everybody who learns that money arrived.

Browser return, webhook, reconciler, admin and bulk run all come here. Money that fits is
a charge; money that does not is evidence, never lost: *surplus*, *mismatch*, *unmatched*.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from payments_ui import money
from payments_ui.core import delivery, journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import lock_payment, retrying, second_look
from payments_ui.core.models import Attempt, Event, JournalEntry, Payment
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    InvalidAmountError,
    PaymentStateError,
)

from . import unexpected_money
from .outcomes import Succeeded
from .states import AttemptState as State

if TYPE_CHECKING:
    from django.http import HttpRequest

Verb = JournalEntry.Verb
#: Stands for the moocher of an attempt that settles a payment of zero.
BALANCE = "balance"


@retrying
@second_look
def settle(
    attempt: Attempt,
    money_in: Succeeded,
    *,
    by: str,
    reason: str = "",
    request: HttpRequest | None = None,
    announced: bool = False,
) -> Attempt:
    """Book money that arrived for this attempt; the first report charges the payment.

    Compares amount, currency, account and mode with what was asked; money that the PSP
    reported for another attempt already does not count twice. Repeating it changes
    nothing. ``announced`` says that the caller sends ``post_charge`` itself.
    """
    with transaction.atomic():
        payment = lock_payment(attempt.payment_id)
        assert payment is not None  # noqa: S101 - PROTECT: an attempt has its payment
        current: Attempt = Attempt.objects.get(pk=attempt.pk)
        current.payment = payment
        if current.state in Attempt.ARRIVED:
            return current
        if not _matches(current, money_in):
            unexpected_money.set_aside(current, State.MISMATCH, money_in, by, reason)
        elif payment.charged_at or payment.cancelled_at or payment.undone_at:
            unexpected_money.set_aside(current, State.SURPLUS, money_in, by, reason)
        else:
            _charge(payment, current, money_in, by=by, reason=reason, announced=announced)
            if not announced:
                delivery.after_commit(current, request)
        failpoints.hit(Point.SETTLE_BEFORE_COMMIT)
    failpoints.hit(Point.SETTLE_AFTER_COMMIT)
    settled: Attempt = Attempt.objects.select_related("payment__user").get(pk=attempt.pk)
    return settled


def _matches(attempt: Attempt, money_in: Succeeded) -> bool:
    asked = (attempt.amount, attempt.currency, attempt.account, attempt.live)
    got = (money_in.amount, money_in.currency, money_in.account, money_in.live)
    return asked == got and not unexpected_money.is_taken(attempt, money_in.psp_reference)


def _charge(
    payment: Payment,
    attempt: Attempt,
    money_in: Succeeded,
    *,
    by: str,
    reason: str,
    announced: bool,
) -> None:
    now = timezone.now()
    # First, as the database takes a charge only for a settled attempt.
    unexpected_money.close(
        attempt, State.SETTLED, money_in, by, announced_at=now if announced else None
    )
    models.QuerySet(Payment).filter(pk=payment.pk).update(
        charged_at=now,
        payment_service_provider=attempt.moocher,
        transaction=money_in.psp_reference or payment.transaction,
    )
    journal.attempt(Verb.PAYMENT_CHARGED, attempt, actor=by, reason=reason)


@retrying
def book_arrival(
    *,
    moocher: str,
    psp_reference: str,
    amount: Decimal,
    currency: str,
    event_id: str,
    account: str = "",
    by: str = journal.SYSTEM,
    reason: str = "",
) -> Event:
    """Book money a person or a bank statement reports, found by its reference.

    The exact amount charges the payment; less is a mismatch; more charges it and keeps
    the rest as surplus; a second transfer is surplus; an unknown reference is stored as
    unmatched. ``event_id`` is the bank's own: reporting it again changes nothing.

    Raises ``InvalidAmountError`` for what is no amount above zero.
    """
    if money.exact_amount(amount) <= 0:
        raise InvalidAmountError(f"{amount} did not arrive: amounts are above zero")
    facts = {"amount": amount, "currency": currency, "psp_reference": psp_reference}
    with transaction.atomic():
        event, first = _once(moocher, account, event_id, facts)
        if not first:
            return event
        attempt = _lock_attempt(moocher, account, psp_reference)
        if attempt is None:
            unexpected_money.unmatched(event, by, reason)
            return event
        models.QuerySet(Event).filter(pk=event.pk).update(
            attempt=attempt, state=Event.State.PROCESSED
        )
        _book(attempt, amount, currency, by, reason)
    event.refresh_from_db()
    return event


def _once(moocher: str, account: str, event_id: str, facts: dict[str, Any]) -> tuple[Event, bool]:
    key = {"moocher": moocher, "account": account, "event_id": event_id}
    try:
        with transaction.atomic():
            return Event.objects.create(**key, **facts, state=Event.State.UNMATCHED), True
    except IntegrityError:
        return Event.objects.get(**key), False


def _lock_attempt(moocher: str, account: str, psp_reference: str) -> Attempt | None:
    known = Attempt.objects.filter(moocher=moocher, account=account, psp_reference=psp_reference)
    attempt = known.first()
    if attempt is None:
        return None
    # Read again under the lock: two arrivals at once are a charge and a surplus.
    lock_payment(attempt.payment_id)
    return Attempt.objects.get(pk=attempt.pk)


def _book(attempt: Attempt, amount: Decimal, currency: str, by: str, reason: str) -> None:
    if attempt.state in Attempt.ARRIVED:
        _surplus(attempt, amount, currency, by, reason)
        return
    excess = amount - attempt.amount if currency == attempt.currency else Decimal(0)
    money_in = what_was_asked(
        attempt,
        psp_reference=attempt.psp_reference or "",
        amount=min(amount, attempt.amount) if excess > 0 else amount,
        currency=currency,
    )
    settle(attempt, money_in, by=by, reason=reason)
    if excess > 0:
        _surplus(attempt, excess, currency, by, reason)


def _surplus(attempt: Attempt, amount: Decimal, currency: str, by: str, reason: str) -> None:
    money_in = Succeeded(psp_reference="", amount=amount, currency=currency)
    same = {"account": attempt.account, "live": attempt.live, "manual": attempt.manual}
    unexpected_money.keep_surplus(
        attempt.payment, attempt.moocher, money_in, by=by, reason=reason, **same
    )


def what_was_asked(attempt: Attempt, **facts: Any) -> Succeeded:
    """The report that exactly the money that was asked for arrived."""
    asked: dict[str, Any] = {
        "psp_reference": "",
        "amount": money.round_amount(attempt.amount, attempt.currency),
        "currency": attempt.currency,
        "account": attempt.account,
        "live": attempt.live,
    }
    return Succeeded(**asked | facts)


def money_arrived(attempt: Attempt, *, by: str, reason: str, reference: str = "") -> Attempt:
    """Book what was asked for as arrived, because a person saw it; any attempt, any time.

    Returns the attempt: settled, or surplus where the payment was charged or cancelled
    meanwhile.
    """
    money_in = what_was_asked(
        attempt,
        psp_reference=attempt.psp_reference or reference,
        evidence={"reference": reference} if reference else {},
    )
    return settle(attempt, money_in, by=by, reason=reason)


@retrying
def book_by_hand(payment: Payment, *, by: str, reason: str, reference: str = "") -> Attempt:
    """Charge a pending payment because a person saw its money; settles an open transfer.

    Raises ``AlreadyChargedError``, ``PaymentGoneError``, ``AttemptOpenError`` while an
    attempt at a PSP is open, which has to be looked at itself, and ``PaymentStateError``
    where money with this ``reference`` was booked before.
    """
    with transaction.atomic():
        attempt = attempt_by_hand(payment, by=by)
        if unexpected_money.is_taken(attempt, reference):
            raise PaymentStateError(f"Money with the reference {reference!r} was booked before")
        return money_arrived(attempt, by=by, reason=reason, reference=reference)


def attempt_by_hand(payment: Payment, *, by: str) -> Attempt:
    """The open transfer of a pending payment, or an attempt of a person's own; locks it.

    In the caller's transaction. Raises as ``book_by_hand``.
    """
    from .transitions import start

    lock_payment(payment.pk)
    opened: Attempt | None = payment.attempts.open().filter(manual=True).first()
    return opened or start(payment, moocher="manual", manual=True, by=by)


@retrying
def settle_zero(payment: Payment) -> None:
    """Charge a payment of zero, for which no PSP is needed; repeating it changes nothing.

    Raises ``PaymentGoneError``.
    """
    from .transitions import start

    try:
        # One transaction: no PSP is asked, so nobody could say what became of half of it.
        with transaction.atomic():
            attempt = start(payment, moocher=BALANCE, manual=True)
            settle(attempt, what_was_asked(attempt), by=journal.SYSTEM, reason="nothing to pay")
    except (AlreadyChargedError, AttemptOpenError):
        pass  # another click settles it, or did
    payment.refresh_from_db()
