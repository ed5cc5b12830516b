"""Disputes: whatever a PSP reports, in any order, the books say what was taken, once."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.dispatch import Signal
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from payments_ui import dates
from payments_ui.core import psp_port, signals
from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Succeeded
from payments_ui.core.audit import audit
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.disputes.states import DisputeState as State
from payments_ui.core.models import Attempt, Dispute, JournalEntry, LineItem, Payment
from payments_ui.exceptions import (
    InvalidAmountError,
    InvalidCurrencyError,
    NoDisputeLostError,
    NotChargedError,
    PaymentDisputedError,
    PaymentStateError,
    RefundRequiredError,
)
from tests.core.support import ADMINS, charged, errors, journalled, pending, stored, together

Verb = JournalEntry.Verb
OPENED = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
DUE = dt.datetime(2026, 11, 20, 23, 59, tzinfo=dt.UTC)


@pytest.fixture
def payment(user: User) -> Payment:
    """Return a charged payment of 12.00."""
    return charged(user, "12")


@pytest.fixture(autouse=True)
def _site(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ADMINS = ADMINS
    monkeypatch.setattr(psp_port.psps(), "can_refund", lambda _attempt: True)
    monkeypatch.setattr(psp_port.psps(), "send_refund", lambda refund: refund)


@contextmanager
def heard(signal: Signal) -> Iterator[list[Dispute]]:
    """Yield the disputes of which this signal was sent meanwhile."""
    found: list[Dispute] = []

    def receive(dispute: Dispute, **_facts: Any) -> None:
        found.append(dispute)

    signal.connect(receive)
    try:
        yield found
    finally:
        signal.disconnect(receive)


def says(state: State, **facts: Any) -> DisputeReport:
    """Return the PSP's report about a dispute of 12.00; all of it is taken, by default."""
    taken = Decimal(0) if state in (State.INQUIRY, State.CLOSED) else Decimal(12)
    back = taken if state == State.WON else Decimal(0)
    usual: dict[str, Any] = {
        "psp_reference": "dp_1",
        "charge_reference": "ch_1",
        "reason": "fraudulent",
        "amount": Decimal(12),
        "currency": "CHF",
        "opened_at": OPENED,
        "withdrawn": taken,
        "reinstated": back,
    }
    return DisputeReport(state=state, **{**usual, **facts})


def attempt_of(payment: Payment) -> Attempt:
    attempt: Attempt = payment.attempts.get()
    return attempt


def report(payment: Payment, state: State, **facts: Any) -> Dispute:
    """Record what the PSP says."""
    return attempt_of(payment).record_dispute(says(state, **facts))


def counted(payment: Payment) -> tuple[Decimal, Decimal]:
    """What counts as taken by disputes, and what can still be refunded."""
    attempt = attempt_of(payment)
    return attempt.disputed_amount, attempt.refundable_amount


pytestmark = pytest.mark.django_db


# What is reported


def test_it_is_written_down_with_a_journal_and_the_admins_know_until_when(
    payment: Payment, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with heard(signals.dispute_opened) as opened, django_capture_on_commit_callbacks(execute=True):
        dispute = report(payment, State.NEEDS_RESPONSE, evidence_due_by=DUE)
    assert opened == [dispute]
    assert (dispute.amount, dispute.taken, dispute.is_open) == (12, 12, True)
    assert dispute.payment == payment
    assert counted(payment) == (12, 0)
    assert stored(payment).charged_at, "A dispute does not undo the charge"
    entry = JournalEntry.objects.get(verb=Verb.DISPUTE_OPENED)
    assert (entry.actor, entry.reason, entry.total) == ("moocher:cards", "fraudulent", 12)
    assert entry.detail["dispute"] == "dp_1"
    (message,) = mail.outbox
    assert "evidence is due" in message.subject
    assert f"by {dates.format_moment(DUE)}." in message.body
    assert list(audit()) == []


def test_repeating_a_report_changes_nothing(
    payment: Payment, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with (
        heard(signals.dispute_opened) as opened,
        heard(signals.dispute_closed) as closed,
        django_capture_on_commit_callbacks(execute=True),
    ):
        for _time in range(3):
            report(payment, State.LOST)
    assert (len(opened), len(closed)) == (1, 1)
    assert journalled(Verb.DISPUTE_OPENED) == 1
    assert journalled(Verb.DISPUTE_CHANGED) == 0
    assert len(mail.outbox) == 1


STORIES = {
    "won": (State.NEEDS_RESPONSE, State.UNDER_REVIEW, State.WON),
    "lost": (State.NEEDS_RESPONSE, State.UNDER_REVIEW, State.LOST),
    "asked, then disputed and lost": (State.INQUIRY, State.NEEDS_RESPONSE, State.LOST),
    "asked only": (State.INQUIRY, State.CLOSED),
}


@pytest.mark.parametrize("story", STORIES)
def test_in_any_order_it_ends_as_the_bank_decided(user: User, story: str) -> None:
    for order in permutations(STORIES[story]):
        payment = charged(user, "12")
        for state in order:
            report(payment, state)
        end = STORIES[story][-1]
        assert payment.disputes.get().state == end, order
        assert counted(payment)[0] == (12 if end == State.LOST else 0)
    assert list(audit()) == []


def test_each_decision_is_told_once_and_another_one_again(
    payment: Payment, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with heard(signals.dispute_closed) as closed, django_capture_on_commit_callbacks(execute=True):
        report(payment, State.NEEDS_RESPONSE)
        report(payment, State.LOST)
        report(payment, State.LOST)
        report(payment, State.WON)
    assert [dispute.state for dispute in closed] == [State.LOST, State.WON]
    assert counted(payment) == (0, 12)
    dispute = payment.disputes.get()
    assert dispute.closed_at
    assert dispute.closed_signal_sent_at


def test_one_that_goes_on_after_its_end_is_open_again(payment: Payment) -> None:
    report(payment, State.CLOSED)
    dispute = report(payment, State.NEEDS_RESPONSE)
    assert (dispute.state, dispute.closed_at) == (State.NEEDS_RESPONSE, None)


def test_a_charge_may_have_several(payment: Payment) -> None:
    report(payment, State.LOST, withdrawn=Decimal(5))
    report(payment, State.LOST, psp_reference="dp_2", withdrawn=Decimal(4))
    assert counted(payment) == (9, 3)
    assert list(audit()) == []


def test_in_another_currency_it_is_kept_and_counts_nothing(payment: Payment) -> None:
    dispute = report(payment, State.LOST, currency="EUR")
    assert dispute.taken == 12
    assert counted(payment) == (0, 12)
    assert list(audit()) == []


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"amount": Decimal("NaN")}, InvalidAmountError),
        ({"withdrawn": Decimal(-1)}, InvalidAmountError),
        ({"reinstated": 1.5}, InvalidAmountError),
        ({"amount": Decimal("1e12")}, InvalidAmountError),
        ({"currency": "francs"}, InvalidCurrencyError),
        ({"currency": "chf"}, InvalidCurrencyError),
    ],
)
def test_what_is_no_money_is_refused(
    payment: Payment, facts: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        report(payment, State.LOST, **facts)
    assert not Dispute.objects.exists()


def test_hostile_texts_are_stored(payment: Payment) -> None:
    dispute = report(
        payment,
        State.LOST,
        psp_reference="\x00" + "x" * 300,
        reason="a\x00b \ud800",
        evidence={"card": "4242424242424242"},
    )
    assert report(payment, State.LOST, psp_reference="\x00" + "x" * 300).pk == dispute.pk
    assert "4242424242424242" not in str(dispute.evidence)


@pytest.mark.parametrize("is_aware", [True, False])
def test_dates_are_stored_as_the_site_stores_them(
    payment: Payment, settings: Settings, is_aware: bool
) -> None:
    settings.USE_TZ = False
    at = OPENED if is_aware else OPENED.replace(tzinfo=None)
    dispute = report(payment, State.NEEDS_RESPONSE, opened_at=at, evidence_due_by=at)
    assert dispute.opened_at.tzinfo is None


# Refunds


def test_what_is_disputed_is_not_refunded(payment: Payment) -> None:
    report(payment, State.NEEDS_RESPONSE)
    with pytest.raises(PaymentDisputedError):
        payment.refund(reason="to be nice")
    report(payment, State.LOST)
    with pytest.raises(PaymentDisputedError, match="taken back"):
        payment.refund(reason="to be nice")
    report(payment, State.WON)
    assert payment.refund(reason="to be nice").amount == 12


def test_an_inquiry_may_be_answered_by_a_refund(payment: Payment) -> None:
    report(payment, State.INQUIRY)
    assert payment.refund(reason="to be nice").amount == 12


def test_what_a_dispute_left_can_be_refunded(payment: Payment) -> None:
    report(payment, State.LOST, amount=Decimal(5), withdrawn=Decimal(5))
    assert payment.refund(reason="to be nice").amount == 7
    assert list(audit()) == []


def test_what_was_refunded_before_is_taken_a_second_time_and_the_admins_know(
    payment: Payment, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    refund = payment.refund("8", reason="broken")
    with django_capture_on_commit_callbacks(execute=True):
        dispute = report(payment, State.LOST)
    assert dispute.taken == 12
    assert counted(payment) == (4, 0)
    assert "twice" in mail.outbox[0].body
    assert list(audit()) == []
    refund.record(Declined(code=DeclineCode.GENERIC))
    assert counted(payment) == (12, 0), "What the refund left free, the dispute has taken"
    assert list(audit()) == []


# Owed again


def test_where_all_was_taken_the_line_items_are_owed_again(payment: Payment) -> None:
    report(payment, State.LOST)
    payment.reopen_charges(reason="they still use it", by="clerk")
    assert (payment.charged_at, payment.state) == (None, "undone")
    assert [item.amount for item in LineItem.objects.unbound()] == [12]
    entry = JournalEntry.objects.get(verb=Verb.CHARGES_REOPENED)
    assert (entry.actor, entry.reason) == ("clerk", "they still use it")
    assert payment.disputes.get().reopened_at
    assert list(audit()) == []
    with pytest.raises(NotChargedError):
        payment.reopen_charges(reason="again")


def test_where_a_part_was_taken_that_part_is_owed_again(payment: Payment) -> None:
    report(payment, State.LOST, withdrawn=Decimal(5))
    payment.reopen_charges(reason="they still use it")
    assert stored(payment).charged_at
    (item,) = LineItem.objects.unbound()
    assert (item.amount, item.currency, item.user) == (5, "CHF", payment.user)
    assert "taken back by your bank" in item.title
    with pytest.raises(NoDisputeLostError):
        payment.reopen_charges(reason="again")
    assert list(audit()) == []


def test_what_was_refunded_is_not_owed_again(payment: Payment) -> None:
    refund = payment.refund("8", reason="broken")
    report(payment, State.LOST, withdrawn=Decimal(4))
    payment.reopen_charges(reason="they still use it")
    assert [item.amount for item in LineItem.objects.unbound()] == [4]
    assert refund.is_open


@pytest.mark.parametrize("state", [State.INQUIRY, State.NEEDS_RESPONSE, State.WON, State.CLOSED])
def test_what_is_not_lost_is_not_owed_again(payment: Payment, state: State) -> None:
    report(payment, state)
    with pytest.raises(NoDisputeLostError):
        payment.reopen_charges(reason="they still use it")


def test_nothing_is_undone_while_the_bank_may_give_the_money_back(payment: Payment) -> None:
    report(payment, State.UNDER_REVIEW)
    assert counted(payment) == (12, 0)
    with pytest.raises(RefundRequiredError):
        payment.undo()
    report(payment, State.LOST)
    payment.undo()
    assert stored(payment).undone_at


def test_a_refund_in_whole_is_undone_whatever_the_bank_asks(payment: Payment) -> None:
    refund = payment.refund(reason="broken")
    refund.record(Succeeded(psp_reference="re_1", amount=Decimal(12), currency="CHF"))
    report(payment, State.UNDER_REVIEW)
    payment.undo()
    assert stored(payment).undone_at


def test_a_reason_is_needed_and_a_charge(payment: Payment, user: User) -> None:
    with pytest.raises(PaymentStateError, match="reason"):
        payment.reopen_charges(reason=" ")
    with pytest.raises(NotChargedError):
        pending(user, "5").reopen_charges(reason="they still use it")


def test_money_that_comes_back_later_is_told(
    payment: Payment, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    report(payment, State.LOST)
    payment.reopen_charges(reason="they still use it")
    with django_capture_on_commit_callbacks(execute=True):
        report(payment, State.WON)
    assert "owed again" in mail.outbox[-1].body


# At once


@pytest.mark.django_db(transaction=True)
def test_reports_at_once_are_one_dispute(payment: Payment) -> None:
    attempt = attempt_of(payment)
    states = [State.NEEDS_RESPONSE, State.LOST, State.UNDER_REVIEW, State.LOST]
    with heard(signals.dispute_opened) as opened, heard(signals.dispute_closed) as closed:
        results = together(4, lambda number: attempt.record_dispute(says(states[number])))
    assert errors(results) == []
    assert payment.disputes.get().state == State.LOST
    assert (len(opened), len(closed)) == (1, 1)
    assert counted(payment) == (12, 0)
    assert list(audit()) == []


@pytest.mark.django_db(transaction=True)
def test_a_refund_and_a_dispute_at_once_never_count_more_than_arrived(payment: Payment) -> None:
    attempt = attempt_of(payment)

    def do(number: int) -> object:
        if number:
            return payment.refund("8", reason="to be nice")
        return attempt.record_dispute(says(State.LOST))

    results = together(2, do)
    assert all(isinstance(error, PaymentDisputedError) for error in errors(results))
    refunds = payment.refunds.count()
    assert counted(payment) == (12 - 8 * refunds, 0)
    assert list(audit()) == []


@pytest.mark.django_db(transaction=True)
def test_charges_are_owed_again_once(payment: Payment) -> None:
    report(payment, State.LOST, withdrawn=Decimal(5))
    results = together(3, lambda _number: stored(payment).reopen_charges(reason="they use it"))
    assert [type(error) for error in errors(results)] == [NoDisputeLostError] * 2
    assert LineItem.objects.unbound().count() == 1
