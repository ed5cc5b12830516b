"""Booking money that a bank statement or a person reports, found by its reference."""

from __future__ import annotations

from decimal import Decimal

from django.db import IntegrityError, transaction

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.suspense.event import Event
from payments_ui.core.suspense.states import EventState
from payments_ui.exceptions import InvalidAmountError

from .model import Attempt
from .states import ARRIVED_STATES
from .unexpected_money import queue_unmatched


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
    """Book money that arrived; return the event that was stored for it.

    The exact amount charges the payment; less is a mismatch; more charges it and keeps
    the rest as surplus; a second transfer is surplus; an unknown reference is stored as
    unmatched. ``event_id`` is the bank's own: reporting it again changes nothing.

    Raises ``InvalidAmountError`` for what is no amount above zero.
    """
    if money.exact_amount(amount) <= 0:
        raise InvalidAmountError(f"{amount} did not arrive: amounts are above zero")
    key = {"moocher": moocher, "account": account, "event_id": event_id}
    with transaction.atomic():
        try:
            with transaction.atomic():
                event: Event = Event.objects.create(
                    **key,
                    psp_reference=psp_reference,
                    amount=amount,
                    currency=currency,
                    state=EventState.UNMATCHED,
                )
        except IntegrityError:
            return Event.objects.get(**key)
        found = Attempt.objects.filter(
            moocher=moocher, account=account, psp_reference=psp_reference
        ).first()
        if found is None:
            queue_unmatched(event, by=by, reason=reason)
            return event
        # Read again under the lock: two arrivals at once are a charge and a surplus.
        payment = found.lock_payment()
        attempt: Attempt = payment.attempts.get(pk=found.pk)
        unguarded(event).update(attempt=attempt, state=EventState.PROCESSED)
        surplus = Decimal(0)
        if attempt.state in ARRIVED_STATES:
            surplus = amount
        elif currency == attempt.currency:
            surplus = max(amount - attempt.amount, Decimal(0))
        if surplus < amount:
            money_in = attempt.exact_outcome(
                psp_reference=psp_reference, amount=amount - surplus, currency=currency
            )
            attempt.settle(money_in, by=by, reason=reason)
        if surplus:
            money_in = attempt.exact_outcome(amount=surplus, currency=currency)
            payment.record_surplus(moocher, money_in, by=by, reason=reason, manual=attempt.manual)
    event.refresh_from_db()
    return event
