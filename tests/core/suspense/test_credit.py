"""Unexpected money that is credited: it counts towards the next payment, and is not given back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.attempts.outcomes import Pending
from payments_ui.core.audit import audit
from payments_ui.core.models import JournalEntry, LineItem, Payment, SuspenseItem
from payments_ui.exceptions import (
    NothingToRefundError,
    SuspenseClosedError,
    SuspenseError,
    SuspenseMatchError,
)
from tests.core.support import errors, pending, record, started, together

from .test_suspense import elsewhere
from .test_suspense import surplus as a_surplus_of_a_psp

pytestmark = pytest.mark.django_db
WHO: dict[str, Any] = {"by": "user:7", "reason": "asked for it"}


@pytest.fixture
def surplus(user: User) -> SuspenseItem:
    """Return a surplus of CHF 1.00."""
    attempt = started(pending(user, "5"), moocher="bank", manual=True, live=True)
    attempt.record(Pending(psp_reference="RF1"))
    arrive("6")
    return SuspenseItem.objects.get()


def arrive(amount: str, reference: str = "RF1") -> None:
    facts = {"moocher": "bank", "currency": "CHF", "event_id": f"{reference} {amount}"}
    book_arrival(**facts, psp_reference=reference, amount=Decimal(amount))  # type: ignore[arg-type]


def test_a_credit_counts_towards_the_next_payment(surplus: SuspenseItem, user: User) -> None:
    credit = surplus.credit(**WHO)
    assert (credit.user, credit.amount, credit.currency) == (user, -1, "CHF")
    record(user, "4")
    payment = Payment.objects.create_pending(user=user)
    assert payment is not None
    assert payment.amount == 3
    item = SuspenseItem.objects.get()
    assert (item.state, item.closed_by) == (SuspenseItem.State.CREDITED, "user:7")
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.LINEITEM_ADDED)
    assert (entry.lineitem_id, entry.actor, entry.reason) == (credit.pk, *WHO.values())
    assert list(audit()) == []


def test_what_is_credited_is_neither_given_back_nor_credited_again(surplus: SuspenseItem) -> None:
    surplus.credit(**WHO)
    with pytest.raises(SuspenseClosedError):
        surplus.credit(**WHO)
    assert surplus.attempt is not None
    with pytest.raises(NothingToRefundError):
        surplus.attempt.request_refund(**WHO)
    assert LineItem.objects.unbound().count() == 1


def test_what_went_back_elsewhere_is_not_credited(user: User) -> None:
    item = a_surplus_of_a_psp(user)
    assert item.attempt is not None
    item.attempt.record_refund_report(elsewhere("5"))
    with pytest.raises(SuspenseMatchError):
        item.credit(**WHO)
    assert not LineItem.objects.unbound().exists()


def test_money_of_nobody_knows_whom_is_not_credited(user: User) -> None:
    arrive("6", "RF9")
    with pytest.raises(SuspenseError, match="known user"):
        SuspenseItem.objects.get().credit(**WHO)
    assert not LineItem.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_clerks_at_once_credit_once(surplus: SuspenseItem) -> None:
    results = together(2, lambda _number: surplus.credit(**WHO))
    assert [type(error) for error in errors(results)] == [SuspenseClosedError]
    assert LineItem.objects.unbound().count() == 1
