"""Arrivals that a bank reports again: the same facts are repeated, other facts are money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.attempts.outcomes import Pending
from payments_ui.core.models import Attempt, Event, JournalEntry, SuspenseItem
from tests.core.support import errors, pending, started, together

pytestmark = pytest.mark.django_db


def arrive(**facts: Any) -> Event:
    arrival = {"moocher": "bank", "psp_reference": "RF1", "amount": Decimal(5)}
    return book_arrival(**{**arrival, "currency": "CHF", "event_id": "batch-7", **facts})


@pytest.fixture
def transfer(user: User) -> Attempt:
    """Return an attempt of 5.00 that waits for the bank."""
    attempt = started(pending(user, "5"), moocher="bank", manual=True)
    return attempt.record(Pending(psp_reference="RF1"))


@pytest.mark.parametrize(
    "facts",
    [
        {"psp_reference": "RF2"},
        {"amount": Decimal("4.99")},
        {"currency": "EUR"},
        {"psp_reference": "x" * 300},
    ],
)
def test_one_id_with_other_facts_is_other_money_that_waits_for_a_person(
    transfer: Attempt, facts: dict[str, Any]
) -> None:
    booked = arrive()
    other = [arrive(**facts) for _time in range(2)]
    assert other[0] == other[1] != booked
    assert (other[0].state, other[0].attempt) == (Event.State.UNMATCHED, None)
    item = SuspenseItem.objects.get()
    assert (item.kind, item.event) == (SuspenseItem.Kind.UNMATCHED, other[0])
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.MONEY_UNMATCHED)
    assert "batch-7 was booked before with other facts" in entry.reason
    assert arrive() == booked
    assert arrive(amount=Decimal("5.000")) == booked
    assert Event.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_other_facts_reported_by_many_at_once_are_kept_once(transfer: Attempt) -> None:
    arrive()
    assert errors(together(4, lambda _number: arrive(amount=Decimal(7)))) == []
    assert Event.objects.count() == 2
    assert SuspenseItem.objects.count() == 1


def test_a_reference_longer_than_the_column_is_found_again(user: User) -> None:
    long = "RF" + "9" * 300
    attempt = started(pending(user, "5"), moocher="bank", manual=True)
    attempt.record(Pending(psp_reference=long))
    event = arrive(psp_reference=long, event_id="e" * 300)
    assert event.attempt == attempt
    assert arrive(psp_reference=long, event_id="e" * 300) == event
    assert Attempt.objects.get().state == Attempt.State.SETTLED
