"""A clerk books what arrived: whole, in parts, too much; and writes a rest off."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from payments_ui.core.attempts.outcomes import Pending
from payments_ui.core.models import (
    Arrival,
    Attempt,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    SuspenseItem,
)
from tests.core.support import pending, started, stored
from tests.dom import parse

from .test_admin import act, text, url

pytestmark = pytest.mark.django_db
State = Attempt.State
SAID = {"reference": "AB-1", "arrived_on": "2026-11-27", "payer": "Ada Lovelace"}


@pytest.fixture
def transfer(user: User) -> Attempt:
    """Return an attempt that waits for a transfer of 4.80."""
    attempt = started(pending(user, "4.80"), moocher="bank", manual=True, live=True)
    return attempt.record(Pending(psp_reference="RF1"))


def book(office: Client, payment: Payment, amount: str, **answers: str) -> str:
    return act(office, "book_by_hand", payment, amount=amount, **answers)


def test_a_part_is_booked_with_what_the_bank_says(
    office: Client, clerk: User, transfer: Attempt
) -> None:
    page = act(office, "book_by_hand", transfer.payment, reason=None)
    assert "CHF\xa04.80 is missing. Less is a part, more is surplus." in page
    assert 'value="4.80"' in page
    page = book(office, transfer.payment, "2.40", **SAID)
    assert "CHF\xa02.40 was recorded. CHF\xa02.40 is missing." in page
    event = Event.objects.get()
    assert (event.event_id, event.payer) == ("AB-1", "Ada Lovelace")
    assert event.arrived_on == dt.date(2026, 11, 27)
    arrival = Arrival.objects.get()
    assert (arrival.amount, arrival.booked_by) == (Decimal("2.40"), f"user:{clerk.pk}")
    for shown in (
        text(office.get(url(Payment, "change", transfer.payment_id))),
        text(office.get(url(Arrival) + "?q=AB-1")),
    ):
        assert "Ada Lovelace" in shown
        assert "AB-1" in shown
    assert "CHF\xa02.40 was recorded: paid." in book(office, transfer.payment, "2.40")
    assert stored(transfer.payment).state == Payment.State.CHARGED


def test_what_is_too_much_is_said_at_once(office: Client, transfer: Attempt) -> None:
    page = book(office, transfer.payment, "5.00")
    assert "CHF\xa05.00 was recorded. CHF\xa00.20 is surplus and needs review." in page


def test_a_reference_that_was_booked_comes_back_at_its_field(
    office: Client, transfer: Attempt
) -> None:
    book(office, transfer.payment, "2.40", **SAID)
    page = book(office, transfer.payment, "2.40", **SAID)
    assert "was recorded before" in page
    assert 'value="Ada Lovelace"' in page
    assert transfer.as_stored().received == Decimal("2.40")


def test_a_form_that_is_sent_twice_books_a_part_once(office: Client, transfer: Attempt) -> None:
    payment = transfer.payment
    shown = parse(act(office, "book_by_hand", payment, reason=None).encode())
    seen = {"missing_before": shown.one("input", name="missing_before").attrs["value"]}
    book(office, payment, "2.40", **seen)
    page = book(office, payment, "2.40", **seen)
    assert "This payment has changed in the meantime." in page
    assert "CHF\xa02.40 is missing. Less is a part, more is surplus." in page
    assert transfer.as_stored().received == Decimal("2.40")
    # Who has read that sends it again.
    seen = {
        "missing_before": parse(page.encode()).one("input", name="missing_before").attrs["value"]
    }
    assert "CHF\xa02.40 was recorded: paid." in book(office, payment, "2.40", **seen)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"amount": "0"}, "This amount is not valid"),
        ({"amount": "0.001"}, "This amount is not valid"),
        ({"amount": "2.40", "arrived_on": "2999-01-01"}, "This day is in the future"),
    ],
)
def test_what_cannot_be_comes_back(
    office: Client, transfer: Attempt, answers: dict[str, str], said: str
) -> None:
    assert said in act(office, "book_by_hand", transfer.payment, **answers)
    assert not Event.objects.exists()


def test_a_part_for_which_no_transfer_waits_is_said_at_the_amount(
    office: Client, user: User
) -> None:
    payment = pending(user, "4.80")
    assert "waits for no transfer" in book(office, payment, "2.40")
    assert "was recorded: paid" in book(office, payment, "4.80")


def test_nothing_to_pay_is_booked_without_money(office: Client, user: User) -> None:
    assert "was recorded: paid" in book(office, pending(user, "5", "-5"), "0")


@pytest.mark.parametrize("on", ["payment", "attempt"])
def test_a_rest_is_written_off_with_a_reason(office: Client, transfer: Attempt, on: str) -> None:
    row: Any = transfer.payment if on == "payment" else transfer
    action = "write_off" if on == "payment" else "write_off_attempt"
    page = url(type(row), "change", row.pk)
    assert "Write off the rest" not in text(office.get(page))
    book(office, transfer.payment, "4.75")
    assert "Write off the rest" in text(office.get(page))
    asked = text(office.get(url(type(row), "action", row.pk, action)))
    assert "CHF\xa04.80" in asked
    assert "received amount CHF\xa04.75" in asked
    assert "CHF\xa00.05 was written off: paid." in act(office, action, row, reason="too little")
    assert stored(transfer.payment).state == Payment.State.CHARGED
    assert JournalEntry.objects.get(verb="money_written_off").reason == "too little"
    shown = text(office.get(url(Payment, "change", transfer.payment_id)))
    assert "CHF\xa00.05 (written off)" in shown
    assert ": too little<br>" in shown
    assert "CHF\xa00.05" in text(office.get(url(Attempt, "change", transfer.pk)))


def test_what_waits_for_nothing_has_no_rest_to_write_off(office: Client, user: User) -> None:
    payment = pending(user, "5")
    assert "waits for no rest" in act(office, "write_off", payment)
    assert stored(payment).state == Payment.State.PENDING


def test_a_part_that_was_matched_without_a_report_is_shown(
    office: Client, user: User, transfer: Attempt
) -> None:
    transfer.book_by_hand(by="user:1", reason="seen")
    assert "user:1" in text(office.get(url(Payment, "change", transfer.payment_id)))
    page = reverse("admin:payments_core_arrival_change", args=[Arrival.objects.get().pk])
    assert "CHF\xa04.80" in text(office.get(page))
    assert "CHF\xa04.80" in text(office.get(url(Arrival)))


def test_a_surplus_is_credited_to_the_customer(
    office: Client, user: User, transfer: Attempt
) -> None:
    book(office, transfer.payment, "5.00")
    item = SuspenseItem.objects.get()
    assert "Credit to the customer" in text(office.get(url(SuspenseItem, "change", item.pk)))
    act(office, "credit", item)
    assert LineItem.objects.unbound().get().amount == Decimal("-0.20")
    assert "Credit to the customer" not in text(office.get(url(SuspenseItem, "change", item.pk)))
