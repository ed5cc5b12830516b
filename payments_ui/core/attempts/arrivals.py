"""Booking money that a bank statement or a person reports, found by its reference."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from payments_ui import money
from payments_ui.core import journal
from payments_ui.core.db.fields import fitting
from payments_ui.core.db.json_safe import text
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.privacy.redaction import redact
from payments_ui.core.suspense.event import Event
from payments_ui.core.suspense.states import EventState
from payments_ui.exceptions import InvalidAmountError, ReferenceTakenError

from .model import Attempt
from .receiving import Source
from .unexpected_money import queue_unmatched

#: The kind of events that are no report, but another name of one: the bank's, which is taken.
NAME = "name"


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
    arrived_on: dt.date | None = None,
    payer: str = "",
    names: Collection[str] = (),
    shared_names: Collection[str] = (),
) -> Event:
    """Book money that arrived; return the event that was stored for it.

    The exact amount charges the payment, and so do parts that make it; more charges it and keeps
    the rest as surplus, and so is what comes afterwards; an unknown reference is stored as
    unmatched. ``arrived_on`` and ``payer`` are what the bank says of it. ``event_id`` is the bank's
    own: reporting it again with the same facts changes nothing; with another reference, amount or
    currency the money is stored as unmatched, in an event of its own, for a person to review.
    ``names`` are what the bank calls it besides: by them, too, it cannot be booked again, nor by
    ``shared_names``, which it has in common with other money, as all of a batch have its id.

    Raises ``InvalidAmountError`` for what is no amount above zero, and ``ReferenceTakenError``
    where this amount was booked before under one of its ``names``.
    """
    amount = money.payment_amount(amount)
    if amount <= 0:
        raise InvalidAmountError(f"{amount} did not arrive: amounts are above zero")
    facts = {"psp_reference": psp_reference, "amount": amount, "currency": currency}
    told = {"arrived_on": arrived_on, "payer": redact(text(payer))}
    with transaction.atomic():
        event, is_new = _store(moocher, account, event_id, facts | told)
        if not is_new:
            event = _named(event)
            if _is_about(event, facts):
                return event
            # Not dropped: a bank may use an id twice, as for all transfers of a batch.
            why = f"Report {event_id} was booked before with other facts"
            event, is_new = _store(moocher, account, f"{event_id} {_digest(facts)}", facts | told)
            if is_new:
                queue_unmatched(event, by=by, reason=f"{why}. {reason}".strip())
            return event
        for name in (*sorted(names), *sorted(shared_names)):
            named = {"kind": NAME, "about": {"report": event_id}, "state": EventState.PROCESSED}
            other, is_free = _store(moocher, account, name, named)
            same = other.amount == amount and other.currency == currency
            if not is_free and same and name in names:
                raise ReferenceTakenError(f"{name!r} was booked before")
        found = Attempt.objects.filter(
            moocher=moocher, account=account, psp_reference=psp_reference
        ).first()
        if found is None:
            queue_unmatched(event, by=by, reason=reason)
            return event
        found.lock_payment()
        unguarded(event).update(attempt=found, state=EventState.PROCESSED)
        found.receive(amount, currency, by=by, reason=reason, source=Source(event))
    event.refresh_from_db()
    return event


def _store(moocher: str, account: str, event_id: str, facts: dict[str, Any]) -> tuple[Event, bool]:
    """Store the report, and return it with whether it is new."""
    key = {"moocher": moocher, "account": account, "event_id": event_id}
    try:
        with transaction.atomic():
            return Event.objects.create(**key, **{"state": EventState.UNMATCHED, **facts}), True
    except IntegrityError:
        return Event.objects.get(**key), False


def known_report(moocher: str, account: str, event_id: str) -> Event | None:
    """The report that was booked under this id or name of the bank's."""
    ours = Event.objects.filter(moocher=moocher, account=account)
    found = ours.filter(event_id=event_id).first()
    return None if found is None else _named(found)


def _named(event: Event) -> Event:
    """The report that this is a name of; another is its own."""
    if event.kind != NAME:
        return event
    ours = {"moocher": event.moocher, "account": event.account}
    report: Event = Event.objects.get(**ours, event_id=event.about["report"])
    return report


def _is_about(event: Event, facts: dict[str, Any]) -> bool:
    stored = {name: getattr(event, name) for name in facts}
    return stored == facts | {"psp_reference": fitting(facts["psp_reference"], 255)}


def _digest(facts: dict[str, Any]) -> str:
    told = f"{facts['amount'].normalize():f} {facts['currency']} {facts['psp_reference']}"
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:16]
