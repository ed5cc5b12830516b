"""One idempotent ``settle`` for everybody who learns that money arrived.

Browser return, webhook, reconciler, admin and bulk run all come here. Money that fits is
a charge; money that does not is evidence, never lost: *surplus*, *mismatch*, *unmatched*.
"""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from payments_ui import money
from payments_ui.exceptions import AlreadyChargedError

from . import alerts, announce, journal
from .locks import lock_payment, retrying
from .models import Attempt, Event, JournalEntry, Payment
from .outcomes import Succeeded

if TYPE_CHECKING:
    from django.http import HttpRequest

State = Attempt.State
Verb = JournalEntry.Verb


@retrying
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

    Compares amount, currency, account and mode with what was asked. Repeating it changes
    nothing. ``announced`` says that the caller sends ``post_charge`` itself.
    """
    with transaction.atomic():
        payment = lock_payment(attempt.payment_id)
        assert payment is not None  # noqa: S101 - PROTECT: an attempt has its payment
        current = Attempt.objects.get(pk=attempt.pk)
        if current.state in (State.SETTLED, State.SURPLUS, State.MISMATCH):
            return current
        if not _matches(current, money_in):
            set_aside(current, State.MISMATCH, money_in, by, reason)
        elif payment.charged_at or payment.cancelled_at or payment.undone_at:
            set_aside(current, State.SURPLUS, money_in, by, reason)
        else:
            _charge(payment, current, money_in, by=by, reason=reason, announced=announced)
            if not announced:
                announce.after_commit(current, request)
    return Attempt.objects.select_related("payment").get(pk=attempt.pk)


def _matches(attempt: Attempt, money_in: Succeeded) -> bool:
    asked = (attempt.amount, attempt.currency, attempt.account, attempt.live)
    return asked == (money_in.amount, money_in.currency, money_in.account, money_in.live)


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
    models.QuerySet(Payment).filter(pk=payment.pk).update(
        charged_at=now,
        payment_service_provider=attempt.moocher,
        transaction=money_in.psp_reference or payment.transaction,
    )
    _close(attempt, State.SETTLED, money_in, announced_at=now if announced else None)
    journal.attempt(Verb.PAYMENT_CHARGED, attempt, actor=by, reason=reason)


def _close(attempt: Attempt, state: State, money_in: Succeeded, **fields: Any) -> None:
    now = timezone.now()
    models.QuerySet(Attempt).filter(pk=attempt.pk).update(
        state=state,
        psp_reference=money_in.psp_reference or attempt.psp_reference,
        received_amount=money_in.amount,
        received_currency=money_in.currency,
        evidence=dict(money_in.evidence),
        failure_code="",
        updated_at=now,
        ended_at=now,
        **fields,
    )


def set_aside(
    attempt: Attempt, state: State, money_in: Succeeded, by: str, reason: str
) -> None:
    verb = Verb.MONEY_SURPLUS if state == State.SURPLUS else Verb.MONEY_MISMATCH
    _close(attempt, state, money_in)
    detail = {
        "received": str(money_in.amount),
        "currency": money_in.currency,
        "account": money_in.account,
        "live": money_in.live,
    }
    journal.attempt(verb, attempt, actor=by, reason=reason, detail=detail)
    text = (
        f"Attempt {attempt.reference} of payment {attempt.payment_id} by {attempt.moocher}: "
        f"{money_in.amount} {money_in.currency} arrived, {attempt.amount} {attempt.currency} "
        "was asked for."
    )
    transaction.on_commit(lambda: alerts.tell_admins(f"Money to look at: {state.label}", text))


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
    """
    facts = {"amount": amount, "currency": currency, "psp_reference": psp_reference}
    with transaction.atomic():
        event, first = _once(moocher, account, event_id, facts)
        if not first:
            return event
        attempts = Attempt.objects.filter(moocher=moocher, psp_reference=psp_reference)
        attempt = attempts.filter(account=account).first()
        if attempt is None:
            _unmatched(event, by, reason)
            return event
        models.QuerySet(Event).filter(pk=event.pk).update(
            attempt=attempt, state=Event.State.PROCESSED
        )
        _book(attempt, amount, currency, by, reason)
    event.refresh_from_db()
    return event


def _once(
    moocher: str, account: str, event_id: str, facts: dict[str, Any]
) -> tuple[Event, bool]:
    key = {"moocher": moocher, "account": account, "event_id": event_id}
    try:
        with transaction.atomic():
            return Event.objects.create(**key, **facts, state=Event.State.UNMATCHED), True
    except IntegrityError:
        return Event.objects.get(**key), False


def _unmatched(event: Event, by: str, reason: str) -> None:
    journal.write(
        Verb.MONEY_UNMATCHED,
        total=event.amount,
        currency=event.currency,
        actor=by,
        reason=reason,
        detail={"event": event.pk, "psp_reference": event.psp_reference},
    )
    text = f"{event.amount} {event.currency}, reference {event.psp_reference!r}: nobody knows it."
    transaction.on_commit(lambda: alerts.tell_admins("Money to look at: unmatched", text))


def _book(attempt: Attempt, amount: Decimal, currency: str, by: str, reason: str) -> None:
    if attempt.state in (State.SETTLED, State.SURPLUS, State.MISMATCH):
        _surplus(attempt, amount, currency, by, reason)
        return
    excess = amount - attempt.amount if currency == attempt.currency else Decimal(0)
    money_in = Succeeded(
        psp_reference=attempt.psp_reference or "",
        amount=min(amount, attempt.amount) if excess > 0 else amount,
        currency=currency,
        account=attempt.account,
        live=attempt.live,
    )
    settle(attempt, money_in, by=by, reason=reason)
    if excess > 0:
        _surplus(attempt, excess, currency, by, reason)


def _surplus(attempt: Attempt, amount: Decimal, currency: str, by: str, reason: str) -> None:
    extra = Attempt.objects.create(
        payment_id=attempt.payment_id,
        moocher=attempt.moocher,
        account=attempt.account,
        live=attempt.live,
        manual=attempt.manual,
        amount=Decimal(0),
        currency=attempt.currency,
        # Never open, not even for a moment: another attempt may be.
        state=State.SURPLUS,
        idempotency_key=secrets.token_hex(16),
    )
    money_in = Succeeded(psp_reference="", amount=amount, currency=currency)
    set_aside(extra, State.SURPLUS, money_in, by, reason)


def book_by_hand(payment: Payment, *, by: str, reason: str, reference: str = "") -> Attempt:
    """Charge a pending payment because a person saw its money; settles an open attempt.

    Raises ``AlreadyChargedError`` and ``PaymentGoneError``.
    """
    from .attempts import start  # noqa: PLC0415 - attempts builds on settlement

    attempt = payment.attempts.open().first()
    if attempt is None:
        attempt = start(payment, moocher="manual", manual=True, by=by)
    money_in = Succeeded(
        psp_reference=reference or attempt.psp_reference or "",
        amount=money.round_amount(attempt.amount, attempt.currency),
        currency=attempt.currency,
        account=attempt.account,
        live=attempt.live,
    )
    settled = settle(attempt, money_in, by=by, reason=reason)
    if settled.state != State.SETTLED:
        raise AlreadyChargedError(f"{payment.pk}: {settled}")
    return settled
