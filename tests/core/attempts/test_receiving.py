"""Transfers that come in parts: they add up, settle once they are enough, and are never lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from payments_ui.core import queries
from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.attempts.outcomes import Cancelled, DeclineCode, Declined, Pending
from payments_ui.core.audit import audit
from payments_ui.core.models import (
    Arrival,
    Attempt,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    SuspenseItem,
)
from payments_ui.core.privacy.anonymize import anonymize_user
from payments_ui.exceptions import (
    InvalidAmountError,
    NothingToRefundError,
    PartWithoutTransferError,
    PaymentStateError,
    RefundError,
    SuspenseMatchError,
)
from tests.core.support import errors, money_of, pending, started, stored, together

pytestmark = pytest.mark.django_db
State = Attempt.State
Verb = JournalEntry.Verb
WHO: dict[str, Any] = {"by": "user:7", "reason": "seen on the statement"}


def waiting(user: User, *amounts: str, reference: str = "RF1") -> Attempt:
    """Return an attempt that waits for a transfer."""
    attempt = started(
        pending(user, *(amounts or ("4.80",))), moocher="bank", manual=True, live=True
    )
    return attempt.record(Pending(psp_reference=reference))


@pytest.fixture
def transfer(user: User) -> Attempt:
    return waiting(user)


def arrive(amount: str, event_id: str, **facts: Any) -> Event:
    arrival = {"moocher": "bank", "psp_reference": "RF1", "currency": "CHF", **WHO}
    return book_arrival(**{**arrival, "amount": Decimal(amount), "event_id": event_id, **facts})


def tolerate(settings: Any, units: int) -> None:
    settings.PAYMENTS_UI = {**settings.PAYMENTS_UI, "TRANSFER_TOLERANCE": units}


def test_a_part_is_added_up_and_the_rest_settles(transfer: Attempt, user: User) -> None:
    before = queries.version(user)
    event = arrive("2.40", "e1", arrived_on=dt.date(2026, 11, 27), payer="Ada Lovelace")
    attempt = transfer.as_stored()
    assert (attempt.state, attempt.received, attempt.missing) == (
        State.PROCESSING,
        Decimal("2.40"),
        Decimal("2.40"),
    )
    assert (event.state, event.attempt) == (Event.State.PROCESSED, transfer)
    assert stored(transfer.payment).state == Payment.State.PROCESSING
    entry = JournalEntry.objects.get(verb=Verb.MONEY_ARRIVED)
    assert (entry.total, entry.currency, entry.actor) == (Decimal("2.40"), "CHF", "user:7")
    assert queries.version(user) != before
    arrival = Arrival.objects.get()
    assert (arrival.booked_by, arrival.event) == ("user:7", event)
    assert (event.payer, event.arrived_on) == ("Ada Lovelace", dt.date(2026, 11, 27))
    assert str(arrival) == "CHF\u00a02.40"
    arrive("2.40", "e2")
    attempt = transfer.as_stored()
    assert (attempt.state, attempt.received) == (State.SETTLED, Decimal("4.80"))
    assert stored(transfer.payment).state == Payment.State.CHARGED
    assert list(Arrival.objects.values_list("amount", flat=True)) == [Decimal("2.40")] * 2
    assert not SuspenseItem.objects.exists()
    assert list(audit()) == []


def test_what_is_owed_is_what_is_missing(transfer: Attempt, user: User) -> None:
    arrive("2.40", "e1")
    (total,) = queries.owed(user).totals
    assert total.owed == Decimal("2.40")


def test_a_part_that_is_reported_twice_is_booked_once(transfer: Attempt) -> None:
    assert arrive("2.40", "e1") == arrive("2.40", "e1")
    assert transfer.as_stored().received == Decimal("2.40")


def test_what_is_more_than_the_rest_is_surplus(transfer: Attempt) -> None:
    arrive("2.40", "e1")
    event = arrive("3", "e2")
    assert transfer.as_stored().state == State.SETTLED
    surplus = Attempt.objects.get(state=State.SURPLUS)
    assert surplus.received == Decimal("0.60")
    assert surplus.arrivals.get().event == event
    assert list(audit()) == []


def test_a_part_in_another_currency_is_unexpected_and_the_rest_is_awaited(
    transfer: Attempt,
) -> None:
    arrive("2.40", "e1")
    arrive("9", "e2", currency="EUR")
    assert transfer.as_stored().missing == Decimal("2.40")
    item = SuspenseItem.objects.get()
    assert item.kind == SuspenseItem.Kind.SURPLUS
    assert item.arrived == "€9.00"
    arrive("2.40", "e3")
    assert transfer.as_stored().state == State.SETTLED
    assert list(audit()) == []


@pytest.mark.parametrize("outcome", [Cancelled(), Declined(code=DeclineCode.NEVER_HAPPENED)])
def test_a_part_of_what_is_called_off_waits_for_a_person(transfer: Attempt, outcome: Any) -> None:
    arrive("2.40", "e1")
    attempt = transfer.record(outcome, by="user:7")
    assert (attempt.state, attempt.received) == (State.MISMATCH, Decimal("2.40"))
    item = SuspenseItem.objects.get()
    assert (item.kind, item.amount) == (SuspenseItem.Kind.MISMATCH, Decimal("2.40"))
    transfer.payment.cancel_pending()
    assert LineItem.objects.unbound().count() == 1
    SuspenseItem.objects.get().give_back(**WHO)
    refund = attempt.refunds.get()
    assert (refund.amount, refund.manual) == (Decimal("2.40"), True)
    refund.mark_sent(**WHO)
    assert SuspenseItem.objects.get().state == SuspenseItem.State.RETURNED
    assert list(audit()) == []


def test_what_arrives_after_it_was_called_off_waits_for_a_person(transfer: Attempt) -> None:
    arrive("2.40", "e1")
    transfer.record(Cancelled())
    arrive("2.40", "e2")
    assert [item.amount for item in SuspenseItem.objects.all()] == [Decimal("2.40")] * 2
    assert list(audit()) == []


def test_a_part_is_not_given_back_while_more_is_awaited(transfer: Attempt) -> None:
    with pytest.raises(NothingToRefundError):
        transfer.request_refund(**WHO)
    arrive("2.40", "e1")
    with pytest.raises(RefundError, match="cancel it first"):
        transfer.request_refund(**WHO)


def test_a_refund_is_at_most_what_arrived(transfer: Attempt) -> None:
    arrive("4.70", "e1")
    transfer.write_off(**WHO)
    with pytest.raises(RefundError):
        transfer.payment.refund(Decimal("4.80"), reason="broken")
    refund = transfer.payment.refund(reason="broken", by="user:7")
    assert refund.amount == Decimal("4.70")
    refund.mark_sent(**WHO)
    payment = stored(transfer.payment)
    refunds = list(payment.refunds.all())
    assert queries.is_refunded(payment, refunds)
    assert queries.net(payment, refunds) is None
    assert list(audit()) == []


def test_a_rest_that_is_not_worth_asking_for_is_written_off_with_a_reason(
    transfer: Attempt,
) -> None:
    with pytest.raises(PaymentStateError, match="No part"):
        transfer.write_off(**WHO)
    arrive("4.75", "e1")
    with pytest.raises(PaymentStateError, match="needs a reason"):
        transfer.write_off(by="user:7", reason=" ")
    settled = transfer.write_off(**WHO)
    assert (settled.state, settled.received) == (State.SETTLED, Decimal("4.75"))
    assert (settled.written_off, settled.missing) == (Decimal("0.05"), Decimal(0))
    entry = JournalEntry.objects.get(verb=Verb.MONEY_WRITTEN_OFF)
    assert (entry.total, entry.actor, entry.reason) == (Decimal("0.05"), *WHO.values())
    assert stored(transfer.payment).state == Payment.State.CHARGED
    with pytest.raises(PaymentStateError):
        transfer.write_off(**WHO)
    assert list(audit()) == []


@pytest.mark.parametrize(
    ("units", "amount", "state"),
    [
        (5, "4.75", State.SETTLED),
        (5, "4.74", State.PROCESSING),
        (0, "4.79", State.PROCESSING),
        (-5, "4.79", State.PROCESSING),
    ],
)
def test_what_is_short_by_no_more_than_the_tolerance_settles(
    transfer: Attempt, settings: Any, units: int, amount: str, state: str
) -> None:
    tolerate(settings, units)
    arrive(amount, "e1")
    attempt = transfer.as_stored()
    assert attempt.state == state
    written_off = JournalEntry.objects.filter(verb=Verb.MONEY_WRITTEN_OFF)
    assert [entry.reason for entry in written_off] == (
        ["within the tolerance. seen on the statement"] if attempt.written_off else []
    )
    assert list(audit()) == []


def test_the_tolerance_is_in_the_minor_units_of_the_currency(user: User, settings: Any) -> None:
    tolerate(settings, 5)
    LineItem.objects.record(user=user, title="Use", amount=500, currency="JPY")
    payment = Payment.objects.create_pending(user=user)
    assert payment is not None
    attempt = started(payment, moocher="bank", manual=True)
    attempt.record(Pending(psp_reference="RF1"))
    arrive("495", "e1", currency="JPY")
    assert attempt.as_stored().written_off == 5


# By hand


def test_a_person_books_a_part_with_what_the_bank_says(transfer: Attempt) -> None:
    said: dict[str, Any] = {
        "reference": "AB-1",
        "arrived_on": dt.date(2026, 11, 27),
        "payer": "Ada Lovelace",
    }
    booked = transfer.payment.book_by_hand(**WHO, amount="2.40", **said)
    assert (booked, booked.missing) == (transfer, Decimal("2.40"))
    event = Event.objects.get()
    assert (event.moocher, event.event_id, event.payer) == ("bank", "AB-1", "Ada Lovelace")
    with pytest.raises(PaymentStateError, match="AB-1"):
        transfer.payment.book_by_hand(**WHO, amount="2.40", **said)
    assert arrive("2.40", "AB-1") == event
    booked = transfer.payment.book_by_hand(**WHO)
    assert (booked.state, booked.received) == (State.SETTLED, Decimal("4.80"))
    assert list(audit()) == []


def test_what_a_person_books_too_much_is_surplus(transfer: Attempt) -> None:
    booked = transfer.payment.book_by_hand(**WHO, amount=6)
    assert booked.state == State.SETTLED
    assert Attempt.objects.get(state=State.SURPLUS).received == Decimal("1.20")


def test_a_part_needs_a_transfer_that_can_bring_the_rest(user: User) -> None:
    payment = pending(user, "4.80")
    with pytest.raises(PartWithoutTransferError):
        payment.book_by_hand(**WHO, amount="2.40")
    assert not payment.attempts.exists()
    assert payment.book_by_hand(**WHO, amount="5").state == State.SETTLED


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "x"])
def test_what_is_no_amount_is_not_booked(transfer: Attempt, amount: str) -> None:
    with pytest.raises(InvalidAmountError):
        transfer.payment.book_by_hand(**WHO, amount=amount)
    assert not Event.objects.exists()


def test_a_clerk_who_knows_that_all_has_come_books_the_rest(transfer: Attempt) -> None:
    arrive("2.40", "e1")
    settled = transfer.book_by_hand(**WHO)
    assert (settled.state, settled.received) == (State.SETTLED, Decimal("4.80"))
    assert list(audit()) == []


# Unexpected money


def test_unexpected_money_is_matched_as_a_part(transfer: Attempt) -> None:
    event = arrive("2.40", "stray", psp_reference="RF9")
    item = SuspenseItem.objects.get()
    booked = item.match(transfer.payment, **WHO)
    assert (booked, booked.missing) == (transfer, Decimal("2.40"))
    arrival = transfer.arrivals.get()
    assert (arrival.event, arrival.suspense_item) == (event, item)
    arrive("2.40", "e2")
    assert transfer.as_stored().state == State.SETTLED
    assert list(audit()) == []


def test_a_surplus_pays_another_bill_and_what_is_left_is_surplus_again(
    transfer: Attempt, user: User
) -> None:
    event = arrive("10", "e1")
    second = waiting(user, "5", reference="RF2")
    booked = SuspenseItem.objects.get().match(second.payment, **WHO)
    assert (booked.state, booked.arrivals.get().event) == (State.SETTLED, event)
    rest = SuspenseItem.objects.open().get()
    assert (rest.amount, rest.reported) == (Decimal("0.20"), event)
    assert list(audit()) == []


def test_a_part_is_no_match_where_no_transfer_is_awaited(user: User) -> None:
    arrive("2.40", "stray", psp_reference="RF9")
    payment = pending(user, "4.80")
    with pytest.raises(SuspenseMatchError):
        SuspenseItem.objects.get().match(payment, **WHO)
    assert not payment.attempts.exists()


def test_a_part_is_surplus_once_another_attempt_charges(user: User) -> None:
    payment = pending(user, "4.80")
    late = started(payment)
    late.record(Cancelled())
    transfer = started(payment, moocher="bank", manual=True)
    transfer.record(Pending(psp_reference="RF1"))
    arrive("2.40", "e1")
    late.record(money_of(late, psp_reference="psp-1"))
    assert transfer.as_stored().state == State.SURPLUS
    assert SuspenseItem.objects.get().amount == Decimal("2.40")
    assert list(audit()) == []


# Privacy


def test_whoever_paid_is_forgotten_with_the_user(transfer: Attempt, user: User) -> None:
    arrive("2.40", "e1", payer="Ada Lovelace")
    arrive("9", "stray", psp_reference="RF9", payer="Ada's mother")
    arrive("9", "other", psp_reference="RF8", payer="Somebody Else")
    item = SuspenseItem.objects.get(event__event_id="stray")
    item.match(transfer.payment, **WHO)
    anonymize_user(user)
    payers = dict(Event.objects.values_list("event_id", "payer"))
    assert payers == {"e1": "anonymized", "stray": "anonymized", "other": "Somebody Else"}
    assert list(audit()) == []


def test_account_numbers_of_payers_are_not_kept(transfer: Attempt) -> None:
    event = arrive("2.40", "e1", payer="Ada CH93 0076 2011 6238 5295 7")
    assert event.payer == "Ada [account 2957]"


# At once


def _arrive_for(reference: str, amount: str, part: int) -> Event:
    return arrive(amount, f"{reference} {part}", psp_reference=reference)


def _act(acts: list[Callable[[], Any]], number: int) -> Any:
    return acts[number]()


@pytest.mark.django_db(transaction=True)
def test_parts_that_arrive_at_once_settle_once(user: User) -> None:
    for number in range(3):
        attempt = waiting(user, "5", reference=f"RF{number}")
        assert errors(together(4, partial(_arrive_for, f"RF{number}", "1.25"))) == []
        assert attempt.as_stored().state == State.SETTLED
        assert attempt.as_stored().missing == 0
        assert attempt.arrivals.count() == 4
        assert not attempt.payment.attempts.filter(state=State.SURPLUS).exists()
    assert list(audit()) == []


@pytest.mark.django_db(transaction=True)
def test_parts_that_are_too_much_at_once_are_a_charge_and_a_surplus(user: User) -> None:
    attempt = waiting(user, "5")
    assert errors(together(3, lambda part: arrive("3", f"{part}"))) == []
    assert attempt.as_stored().state == State.SETTLED
    kept = Arrival.objects.filter(attempt__state=State.SURPLUS).values_list("amount", flat=True)
    assert sum(kept) == 4
    assert list(audit()) == []


@pytest.mark.django_db(transaction=True)
def test_a_part_that_arrives_while_it_is_called_off_is_never_lost(user: User) -> None:
    for number in range(3):
        attempt = waiting(user, "5", reference=f"RF{number}")
        acts: list[Callable[[], Any]] = [
            partial(_arrive_for, f"RF{number}", "2", 0),
            partial(attempt.record, Cancelled()),
        ]
        assert errors(together(2, partial(_act, acts))) == []
        assert attempt.as_stored().state == State.MISMATCH
        assert SuspenseItem.objects.filter(attempt=attempt).count() == 1
    assert list(audit()) == []


def test_money_of_which_nothing_more_is_known_settles_too(transfer: Attempt) -> None:
    with transaction.atomic():
        settled = transfer.receive(Decimal("4.80"), "CHF", by="user:7")
    assert (settled.state, settled.arrivals.get().event) == (State.SETTLED, None)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Pending(psp_reference="RF1"), State.PROCESSING),
        (Cancelled(psp_reference="RF1"), State.MISMATCH),
        (None, State.SETTLED),
    ],
)
def test_a_transfer_takes_parts_before_its_reference_is_known(
    user: User, outcome: Any, state: str
) -> None:
    # As where the process died that started it.
    attempt = started(pending(user, "5"), moocher="bank", manual=True)
    attempt.payment.book_by_hand(**WHO, amount="2", reference="B1")
    if outcome is None:
        attempt.payment.book_by_hand(**WHO, amount="3", reference="B2")
    else:
        attempt.record(outcome)
    assert attempt.as_stored().state == state
    assert list(audit()) == []
