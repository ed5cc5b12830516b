"""Money that arrives: charged once, compared with what was asked, never lost."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import logging
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import RequestFactory
from mooch.signals import post_charge

from payments_ui.core import delivery, notify, psp_port
from payments_ui.core.attempts import arrivals, settlement
from payments_ui.core.attempts.outcomes import Cancelled, DeclineCode, Declined, Pending
from payments_ui.core.attempts.reported import reported
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, Event, JournalEntry, LineItem, Payment
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    InvalidAmountError,
    PaymentGoneError,
    PaymentStateError,
)
from payments_ui.testing.failpoints import at, raise_
from tests.core.support import (
    ADMINS,
    errors,
    journalled,
    money_of,
    pending,
    saving,
    started,
    stored,
    together,
)

pytestmark = pytest.mark.django_db
State = Attempt.State
Verb = JournalEntry.Verb


@pytest.fixture
def attempt(user: User) -> Attempt:
    """Return an open attempt of a payment of 5.00."""
    return started(pending(user, "5"), account="acct", live=True)


@pytest.fixture
def heard() -> Any:
    """Return what ``post_charge`` said, one entry for each time."""
    calls: list[dict[str, Any]] = []

    def listen(**kwargs: Any) -> None:
        calls.append(kwargs)

    post_charge.connect(listen)
    yield calls
    post_charge.disconnect(listen)


def settle(attempt: Attempt, **facts: Any) -> Attempt:
    return attempt.settle(money_of(attempt, **facts), by="moocher:cards")


def test_money_that_fits_charges_the_payment(attempt: Attempt) -> None:
    settled = settle(attempt, psp_reference="ch_1", evidence={"brand": "visa"})
    payment = stored(attempt.payment)
    assert payment.state == Payment.State.CHARGED
    assert (payment.payment_service_provider, payment.transaction) == ("cards", "ch_1")
    assert (settled.state, settled.received, settled.received_currency) == (State.SETTLED, 5, "CHF")
    assert settled.evidence == {"brand": "visa"}
    assert journalled(Verb.PAYMENT_CHARGED) == 1


def test_telling_it_again_changes_nothing(attempt: Attempt) -> None:
    settle(attempt, psp_reference="ch_1")
    before = stored(attempt.payment).charged_at
    for reference in ("ch_1", "ch_2"):
        assert settle(attempt, psp_reference=reference, amount=Decimal(9)).psp_reference == "ch_1"
    assert stored(attempt.payment).charged_at == before
    assert journalled(Verb.PAYMENT_CHARGED) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"amount": Decimal("4.99")},
        {"amount": Decimal("5.01")},
        {"currency": "EUR"},
        {"account": "somebody else's"},
        {"live": False},
    ],
)
def test_money_that_differs_from_what_was_asked_is_kept_and_charges_nothing(
    attempt: Attempt, facts: dict[str, Any], settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ADMINS = ADMINS
    with django_capture_on_commit_callbacks(execute=True):
        kept = settle(attempt, psp_reference="ch_1", **facts)
    assert (kept.state, kept.psp_reference) == (State.MISMATCH, "ch_1")
    assert kept.received == facts.get("amount", 5)
    assert stored(attempt.payment).state == Payment.State.PENDING
    assert journalled(Verb.MONEY_MISMATCH) == 1
    assert len(mail.outbox) == 1


def test_a_second_success_is_surplus(attempt: Attempt) -> None:
    attempt.record(Declined(code=DeclineCode.GENERIC))
    second = started(attempt.payment)
    settle(second, psp_reference="ch_2")
    assert settle(attempt, psp_reference="ch_1").state == State.SURPLUS
    assert stored(attempt.payment).transaction == "ch_2"
    assert set(Attempt.objects.unexpected()) == {attempt}


def test_one_charge_of_the_psp_pays_one_payment(attempt: Attempt, user: User) -> None:
    settle(attempt, psp_reference="ch_1")
    other = started(pending(user, "5"), account="acct", live=True)
    kept = settle(other, psp_reference="ch_1")
    assert (kept.state, kept.psp_reference, kept.received) == (State.MISMATCH, None, 5)
    assert stored(other.payment).charged_at is None
    entry = JournalEntry.objects.get(verb=Verb.MONEY_MISMATCH)
    assert entry.detail["psp_reference"] == "ch_1"


def test_one_charge_reported_for_two_payments_at_the_same_moment_pays_one(
    attempt: Attempt, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(attempt, psp_reference="ch_1")
    other = started(pending(user, "5"), account="acct", live=True)
    # The first look is before the other one has written it.
    looks = iter([None])
    monkeypatch.setattr(
        settlement, "reported", lambda payment, pk, name: reported(payment, pk, next(looks, name))
    )
    assert settle(other, psp_reference="ch_1").state == State.MISMATCH


@pytest.mark.django_db(transaction=True)
def test_twenty_reports_at_once_are_one_charge_and_one_signal(user: User, heard: Any) -> None:
    attempt = started(pending(user, "5"))
    results = together(20, lambda _number: settle(attempt, psp_reference="ch_1").state)
    assert results == [State.SETTLED] * 20
    assert len(heard) == 1
    assert heard[0]["payment"].charged_at is not None
    assert journalled(Verb.PAYMENT_CHARGED) == 1


# post_charge


def test_the_signal_comes_after_the_commit_with_payment_and_request(
    attempt: Attempt, heard: Any, django_capture_on_commit_callbacks: Any
) -> None:
    request = RequestFactory().get("/")
    with django_capture_on_commit_callbacks(execute=True):
        attempt.record(money_of(attempt), request=request)
        assert heard == []
    (call,) = heard
    assert (call["sender"], call["payment"], call["request"]) == ("cards", attempt.payment, request)
    assert Attempt.objects.get().signal_sent_at is not None


def test_no_signal_for_money_that_charges_nothing(
    attempt: Attempt, heard: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        settle(attempt, amount=Decimal(1))
        attempt.record(Declined(code=DeclineCode.GENERIC))
    assert heard == []


def test_a_receiver_that_raises_loses_no_charge(
    attempt: Attempt,
    heard: Any,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def broken(**kwargs: Any) -> None:
        raise RuntimeError("no mail server")

    post_charge.connect(broken)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            settle(attempt)
    finally:
        post_charge.disconnect(broken)
    assert stored(attempt.payment).charged_at is not None
    assert len(heard) == 1
    assert str(attempt.payment_id) in caplog.text


def test_the_core_alone_asks_no_psp(user: User) -> None:
    alone, method = psp_port.NoPSPs(), saving(user)
    assert alone.forget_payment_method(method) is method
    assert not alone.handle_again(Event())


def test_who_sends_the_signal_can_be_told(attempt: Attempt, monkeypatch: Any, heard: Any) -> None:
    assert psp_port.NoPSPs().signal_sender("cards") == "cards"
    moocher = object()
    monkeypatch.setattr(psp_port.psps(), "signal_sender", {"cards": moocher}.get)
    settle(attempt)
    delivery.send_charge(attempt, None)
    assert heard[0]["sender"] is moocher


def test_admins_who_cannot_be_told_are_in_the_log(
    settings: Any, mail_is_down: None, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ADMINS = ADMINS
    with caplog.at_level(logging.ERROR):
        notify.admins("Needs review", "CHF 5.00")
    assert "could not be sent" in caplog.text
    assert "CHF 5.00" in caplog.text


# Money a person or a bank reports


def waiting(reference: str) -> Pending:
    return Pending(psp_reference=reference)


@pytest.fixture
def transfer(user: User) -> Attempt:
    """Return an attempt of 5.00 that waits for the bank."""
    attempt = started(pending(user, "5"), moocher="bank", manual=True, account="CH1")
    return attempt.record(waiting("RF1"))


def arrive(event_id: str = "e1", **facts: Any) -> Event:
    arrival = {
        "moocher": "bank",
        "account": "CH1",
        "psp_reference": "RF1",
        "amount": Decimal(5),
        "currency": "CHF",
    }
    return arrivals.book_arrival(**{**arrival, "event_id": event_id, **facts})


def test_a_transfer_of_the_exact_amount_charges_the_payment(transfer: Attempt) -> None:
    event = arrive()
    assert (event.state, event.attempt) == (Event.State.PROCESSED, transfer)
    assert stored(transfer.payment).state == Payment.State.CHARGED
    assert str(event) == "bank e1"


def test_what_is_less_than_a_psp_was_asked_for_is_a_mismatch(user: User) -> None:
    attempt = started(pending(user, "5"), moocher="bank", account="CH1")
    attempt.record(waiting("RF1"))
    arrive(amount=Decimal(4))
    assert Attempt.objects.get().state == State.MISMATCH
    assert stored(attempt.payment).state == Payment.State.PENDING


def test_what_a_psp_took_in_another_currency_is_a_mismatch(user: User) -> None:
    attempt = started(pending(user, "5"), moocher="bank", account="CH1")
    attempt.record(waiting("RF1"))
    arrive(currency="EUR", amount=Decimal(9))
    assert (Attempt.objects.get().state, Attempt.objects.get().received) == (State.MISMATCH, 9)


def test_what_is_too_much_is_surplus(transfer: Attempt) -> None:
    arrive(amount=Decimal("7.50"))
    assert stored(transfer.payment).state == Payment.State.CHARGED
    surplus = Attempt.objects.get(state=State.SURPLUS)
    assert (surplus.received, surplus.account) == (Decimal("2.50"), "CH1")


def test_a_second_transfer_is_surplus_even_while_another_attempt_is_open(
    transfer: Attempt,
) -> None:
    arrive(amount=Decimal(4))
    transfer.record(Cancelled())
    started(transfer.payment)
    arrive("e2")
    assert Attempt.objects.get(state=State.SURPLUS).received == 5
    assert Attempt.objects.open().count() == 1


def test_the_same_arrival_is_booked_once(transfer: Attempt) -> None:
    assert arrive() == arrive()
    assert Attempt.objects.count() == 1
    assert Event.objects.count() == 1


def _arrive_as(ids: list[str], reference: str | None, number: int) -> Event:
    return arrive(ids[number], psp_reference=reference)


@pytest.mark.django_db(transaction=True)
def test_two_transfers_at_once_are_a_charge_and_a_surplus(user: User) -> None:
    for _round in range(3):
        attempt = started(pending(user, "5"), moocher="bank", account="CH1")
        reference = attempt.record(waiting(attempt.reference)).psp_reference
        ids = [f"{attempt.reference}-{number}" for number in range(2)]
        book = partial(_arrive_as, ids, reference)
        results = together(2, book)
        assert errors(results) == []
        states = attempt.payment.attempts.values_list("state", flat=True)
        assert sorted(states) == [State.SETTLED, State.SURPLUS]


@pytest.mark.django_db(transaction=True)
def test_one_transfer_reported_by_many_at_once_is_booked_once(user: User) -> None:
    attempt = started(pending(user, "5"), moocher="bank", account="CH1")
    attempt.record(waiting("RF1"))
    assert errors(together(8, lambda _number: arrive())) == []
    assert Attempt.objects.get().state == State.SETTLED
    assert Event.objects.count() == 1


@pytest.mark.parametrize("facts", [{"psp_reference": "RF2"}, {"account": "CH2"}])
def test_money_nobody_knows_is_kept_and_told(
    transfer: Attempt,
    facts: dict[str, str],
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.ADMINS = ADMINS
    with django_capture_on_commit_callbacks(execute=True):
        event = arrive(**facts)
    assert (event.state, event.attempt, event.amount) == (Event.State.UNMATCHED, None, 5)
    assert journalled(Verb.MONEY_UNMATCHED) == 1
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("amount", [Decimal(0), Decimal(-5), Decimal("NaN"), 5.0])
def test_what_is_no_amount_did_not_arrive(amount: Any) -> None:
    with pytest.raises(InvalidAmountError):
        arrive(amount=amount)
    assert not Event.objects.exists()


# Booked by hand


def test_money_booked_by_hand_charges_and_says_who_and_why(user: User) -> None:
    payment = pending(user, "5")
    booked = payment.book_by_hand(by="user:7", reason="cash", reference="slip 9")
    assert (booked.moocher, booked.manual, booked.state) == ("manual", True, State.SETTLED)
    assert (booked.psp_reference, booked.events.get().event_id) == ("slip 9", "slip 9")
    assert stored(payment).transaction == "slip 9"
    entry = JournalEntry.objects.get(verb=Verb.PAYMENT_CHARGED)
    assert (entry.actor, entry.reason) == ("user:7", "cash")


def test_booking_by_hand_settles_the_open_transfer(transfer: Attempt) -> None:
    booked = transfer.payment.book_by_hand(by="user:7", reason="seen", reference="x")
    assert (booked, booked.psp_reference) == (transfer, "RF1")
    assert stored(transfer.payment).state == Payment.State.CHARGED


def test_the_same_slip_is_not_booked_for_two_payments(user: User) -> None:
    pending(user, "5").book_by_hand(by="user:7", reason="cash", reference="slip 9")
    second = pending(user, "5")
    with pytest.raises(PaymentStateError, match="slip 9"):
        second.book_by_hand(by="user:7", reason="cash", reference="slip 9")
    assert second.attempts.count() == 0
    assert stored(second).charged_at is None


def test_nothing_is_booked_by_hand_while_a_psp_may_still_take_the_money(attempt: Attempt) -> None:
    with pytest.raises(AttemptOpenError):
        attempt.payment.book_by_hand(by="user:7", reason="cash")
    assert stored(attempt.payment).charged_at is None


def test_nothing_is_booked_by_hand_for_what_is_charged_or_gone(user: User) -> None:
    payment = pending(user, "5")
    payment.book_by_hand(by="user:7", reason="cash")
    with pytest.raises(AlreadyChargedError):
        payment.book_by_hand(by="user:7", reason="cash")
    payment.undo()
    with pytest.raises(PaymentGoneError):
        payment.book_by_hand(by="user:7", reason="cash")
    assert LineItem.objects.unbound().count() == 1


def test_a_person_settles_an_attempt_whose_outcome_nobody_knew(attempt: Attempt) -> None:
    settled = attempt.book_by_hand(by="user:7", reason="seen in the PSP's books")
    assert settled.state == State.SETTLED
    assert stored(attempt.payment).state == Payment.State.CHARGED


def test_zero_is_charged_once_and_half_of_it_never_stays(user: User) -> None:
    payment = pending(user, "5", "-5")
    with (
        at(Point.ATTEMPT_AFTER_COMMIT, raise_(KeyboardInterrupt)),
        pytest.raises(KeyboardInterrupt),
    ):
        payment.settle_zero()
    for _time in range(2):
        payment.settle_zero()
        assert payment.state == Payment.State.CHARGED
    assert [attempt.state for attempt in payment.attempts.all()] == [State.SETTLED]
