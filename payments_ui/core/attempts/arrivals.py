"""Booking money that a bank statement or a person reports, found by its reference."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.db.fields import fitting
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
    unmatched. ``event_id`` is the bank's own: reporting it again with the same facts changes
    nothing; with another reference, amount or currency the money is stored as unmatched, in an
    event of its own, for a person to review.

    Raises ``InvalidAmountError`` for what is no amount above zero.
    """
    amount = money.payment_amount(amount)
    if amount <= 0:
        raise InvalidAmountError(f"{amount} did not arrive: amounts are above zero")
    facts = {"psp_reference": psp_reference, "amount": amount, "currency": currency}
    with transaction.atomic():
        event, is_new = _store(moocher, account, event_id, facts)
        if not is_new:
            if _is_about(event, facts):
                return event
            # Not dropped: a bank may use an id twice, as for all transfers of a batch.
            why = f"Report {event_id} was booked before with other facts"
            event, is_new = _store(moocher, account, f"{event_id} {_digest(facts)}", facts)
            if is_new:
                queue_unmatched(event, by=by, reason=f"{why}. {reason}".strip())
            return event
        found = Attempt.objects.filter(
            moocher=moocher, account=account, psp_reference=psp_reference
        ).first()
        if found is None:
            queue_unmatched(event, by=by, reason=reason)
            return event
        _book(event, found, amount, currency, by=by, reason=reason)
    event.refresh_from_db()
    return event


def _book(
    event: Event, found: Attempt, amount: Decimal, currency: str, *, by: str, reason: str
) -> None:
    """Settle the attempt with what arrived, as far as that fits; the rest is surplus."""
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
            psp_reference=event.psp_reference, amount=amount - surplus, currency=currency
        )
        attempt.settle(money_in, by=by, reason=reason)
    if surplus:
        money_in = attempt.exact_outcome(amount=surplus, currency=currency)
        payment.record_surplus(
            attempt.moocher, money_in, by=by, reason=reason, manual=attempt.manual
        )


def _store(moocher: str, account: str, event_id: str, facts: dict[str, Any]) -> tuple[Event, bool]:
    """Store the report, and return it with whether it is new."""
    key = {"moocher": moocher, "account": account, "event_id": event_id}
    try:
        with transaction.atomic():
            return Event.objects.create(**key, **facts, state=EventState.UNMATCHED), True
    except IntegrityError:
        return Event.objects.get(**key), False


def _is_about(event: Event, facts: dict[str, Any]) -> bool:
    stored = {name: getattr(event, name) for name in facts}
    return stored == facts | {"psp_reference": fitting(facts["psp_reference"], 255)}


def _digest(facts: dict[str, Any]) -> str:
    text = f"{facts['amount'].normalize():f} {facts['currency']} {facts['psp_reference']}"
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
