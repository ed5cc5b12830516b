"""Settling what is open by asking the PSP: on time, once per turn, and whatever goes wrong."""
# A state equals its text.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from mooch.signals import post_charge
from pytest_django import Settings

from payments_ui.core import triggers
from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from payments_ui.core.audit import audit
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import (
    Attempt,
    Event,
    LineItem,
    Payment,
    Refund,
    SuspenseItem,
)
from payments_ui.core.signals import refund_succeeded
from payments_ui.flows import redeliver, schedule
from payments_ui.flows.psp_call import TransactionOpenError
from payments_ui.flows.reconcile import ReconcileResult, reconcile
from payments_ui.testing.contracts.probes import requested_refund
from payments_ui.testing.failpoints import at, raise_
from payments_ui.testing.moochers import InProcessMoocher, listed
from payments_ui.testing.psp import SandboxPSP, Status
from tests.conftest import UserFactory
from tests.core.support import ADMINS, bare, errors, money_of, pending, started, stored, together
from tests.fakes import CARDS, FakeMoocher, cards, charge, finish, new_psp, taken

pytestmark = pytest.mark.django_db
State = Attempt.State
MINUTE, HOUR, DAY = (dt.timedelta(**{unit: 1}) for unit in ("minutes", "hours", "days"))

mute = FakeMoocher(identifier="mute", title="Mute")
mute.can_ask = False
other_account = FakeMoocher(identifier="moved", title="Moved", account="new")
other_psp = FakeMoocher(identifier="other", title="Other", sandbox=InProcessMoocher(account=""))
MUTE, MOVED, OTHER = listed(mute, other_account, other_psp)


@pytest.fixture
def opened(psp: SandboxPSP, make_user: UserFactory) -> Callable[..., Attempt]:
    """Return a factory of open attempts of that long ago, which the PSP took by this step."""

    def make(step: str = "", *, age: dt.timedelta = 2 * MINUTE, **fields: Any) -> Attempt:
        attempt = started(pending(make_user(), "5"), **fields)
        if step:
            psp.plan.add(step)
            charge(attempt)
            psp.calls.clear()
        return aged(attempt, age)

    return make


def aged(attempt: Attempt, age: dt.timedelta, **fields: Any) -> Attempt:
    """Return the attempt as if it had begun that long ago."""
    bare(Attempt).filter(pk=attempt.pk).update(started_at=timezone.now() - age, **fields)
    return again(attempt)


def again(attempt: Attempt) -> Attempt:
    found: Attempt = Attempt.objects.get(pk=attempt.pk)
    return found


# What is asked


@pytest.mark.parametrize(
    ("step", "state", "counted"),
    [
        ("approve", State.SETTLED, {"settled": 1}),
        ("insufficient_funds", State.FAILED, {"failed": 1}),
        ("cancelled", State.CANCELLED, {"failed": 1}),
        ("wrong_amount", State.MISMATCH, {"unexpected": 1}),
        ("processing", State.PROCESSING, {"still_open": 1}),
        ("3ds", State.REQUIRES_ACTION, {"still_open": 1}),
        ("", State.FAILED, {"failed": 1}),  # the PSP never heard of it
    ],
)
def test_the_psps_answer_is_written_down(
    opened: Callable[..., Attempt], psp: SandboxPSP, step: str, state: str, counted: dict[str, int]
) -> None:
    attempt = opened("3ds" if step == "cancelled" else step)
    if step == "cancelled":
        finish(psp, attempt, Status.CANCELLED)
    report = reconcile()
    assert again(attempt).state == state
    assert psp.calls["fetch"] == 1
    figures = {name: getattr(report, name) for name in ("settled", "failed", "unexpected")}
    none = {"settled": 0, "failed": 0, "unexpected": 0, "still_open": 0}
    assert figures | {"still_open": report.still_open} == none | counted
    assert (report.due, report.asked, report.is_clean) == (1, 1, True)


def test_a_request_in_flight_is_left_alone(opened: Callable[..., Attempt], psp: SandboxPSP) -> None:
    opened("approve", age=0.9 * MINUTE)
    assert reconcile().due == 0
    assert not psp.calls


def test_nobody_asks_twice_in_the_same_turn(
    opened: Callable[..., Attempt], psp: SandboxPSP
) -> None:
    attempt = opened("processing")
    assert [reconcile().asked for _run in range(3)] == [1, 0, 0]
    aged(attempt, 5.5 * MINUTE)
    bare(Attempt).update(asked_at=again(attempt).started_at + 2 * MINUTE)
    assert [reconcile().asked for _run in range(3)] == [1, 0, 0]


def test_after_an_outage_everything_can_be_asked(
    opened: Callable[..., Attempt], psp: SandboxPSP
) -> None:
    for _number in range(2):
        opened("processing", age=3 * HOUR)
    assert [reconcile().asked, reconcile().asked, reconcile(everything=True).asked] == [2, 0, 2]


def test_a_dry_run_counts_and_changes_nothing(
    opened: Callable[..., Attempt], psp: SandboxPSP
) -> None:
    attempt = opened("approve")
    over = opened("processing", age=10 * DAY)
    aged(over, 10 * DAY, asked_at=timezone.now())
    report = reconcile(dry_run=True)
    assert (report.due, report.asked, report.overdue) == (1, 0, 1)
    assert not psp.calls
    assert again(attempt).asked_at is None
    assert not SuspenseItem.objects.exists()


def test_one_moocher_can_be_chosen(opened: Callable[..., Attempt], psp: SandboxPSP) -> None:
    opened("approve")
    opened("approve", moocher="francs")
    assert reconcile(moocher="francs").settled == 1
    assert reconcile().settled == 1


def test_who_cannot_be_asked_is_named_and_left_alone(
    opened: Callable[..., Attempt], psp: SandboxPSP, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS, MUTE, MOVED]}
    opened(moocher="mute")
    opened(moocher="moved")
    opened(moocher="gone")
    for _number in range(2):
        opened(manual=True)
    report = reconcile()
    assert report.skipped == {
        "mute (cannot be asked)": 1,
        "moved (another account)": 1,
        "gone (not listed)": 1,
        "cards (by hand)": 2,
    }
    assert (report.due, report.is_clean, psp.calls) == (0, True, {})


# Without an answer


def test_no_answer_says_nothing_new_of_what_was_answered_before(
    opened: Callable[..., Attempt], psp: SandboxPSP
) -> None:
    waits, silent = opened("3ds"), opened("approve")
    waits.record(ActionRequired(url="https://psp.example/pay"))
    psp.plan.outage(3600)
    report = reconcile()
    assert again(waits).state == State.REQUIRES_ACTION
    assert again(silent).state == State.UNKNOWN
    assert (report.still_open, report.is_clean) == (2, True)


def test_after_five_misses_a_psp_is_left_alone_and_the_next_run_goes_on(
    opened: Callable[..., Attempt], psp: SandboxPSP, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS, OTHER]}
    for _number in range(8):
        opened("approve")
    other = opened(moocher="other")
    psp.plan.outage(3600)
    with new_psp() as another:
        other_psp.sandbox.pay_at(another.url)
        report = reconcile()
    assert (report.due, report.asked, report.not_answering) == (9, 6, ["cards"])
    assert not report.is_clean
    assert psp.calls["fetch"] == 5
    assert again(other).state == State.FAILED
    psp.plan.clear()
    assert reconcile().settled == 3
    assert reconcile(everything=True).settled == 5
    assert taken(psp) == Decimal(40)
    assert Payment.objects.charged().count() == 8


def test_one_failure_never_stops_the_others(
    opened: Callable[..., Attempt], psp: SandboxPSP, caplog: pytest.LogCaptureFixture
) -> None:
    for _number in range(3):
        opened("approve")
    with at(Point.RECONCILE_AFTER_QUERY, raise_(RuntimeError("disk full")), on_hit=2):
        report = reconcile()
    assert (report.settled, report.errors, report.is_clean) == (2, 1, False)
    assert "disk full" in caplog.text


def test_a_run_killed_between_answer_and_commit_loses_nothing(
    opened: Callable[..., Attempt], psp: SandboxPSP
) -> None:
    attempt = opened("approve")
    died = at(Point.RECONCILE_AFTER_QUERY, raise_(KeyboardInterrupt))
    with died, pytest.raises(KeyboardInterrupt):
        reconcile()
    aged(attempt, 6 * MINUTE, asked_at=timezone.now() - 4 * MINUTE)
    assert reconcile().settled == 1
    assert taken(psp) == stored(attempt.payment).amount


def test_it_refuses_to_ask_inside_a_transaction(transactional_db: None) -> None:
    with pytest.raises(TransactionOpenError), transaction.atomic():
        reconcile()


# When the schedule has ended


def over(attempt: Attempt) -> Attempt:
    """Return the attempt as it is when the last turn was used."""
    return aged(attempt, 9 * DAY, asked_at=timezone.now() - DAY / 2)


def test_after_a_week_a_person_is_told_once(
    opened: Callable[..., Attempt],
    psp: SandboxPSP,
    settings: Settings,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.ADMINS = ADMINS
    attempt = over(opened("processing"))
    for _run in range(3):
        with django_capture_on_commit_callbacks(execute=True):
            reconcile()
    assert not psp.calls
    item = SuspenseItem.objects.get()
    assert (item.kind, item.attempt) == (SuspenseItem.Kind.OVERDUE, attempt)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("outcome", [Pending(), Unknown(reason="timeout")])
def test_the_last_turn_is_asked_before_anybody_is_told(
    opened: Callable[..., Attempt], psp: SandboxPSP, outcome: Any
) -> None:
    attempt = opened("processing")
    attempt.record(outcome)
    aged(attempt, schedule.LAST + HOUR, asked_at=timezone.now() - DAY)
    first, second = reconcile(), reconcile()
    assert (first.asked, first.overdue) == (1, 0)
    assert (second.asked, second.overdue) == (0, 1)


def test_a_customer_who_stays_away_is_no_missing_answer(
    opened: Callable[..., Attempt], psp: SandboxPSP
) -> None:
    attempt = opened("3ds")
    attempt.record(ActionRequired(url="https://psp.example/pay"))
    over(attempt)
    over(opened(manual=True))
    assert reconcile().overdue == 0


def test_a_person_is_told_of_what_nobody_can_ask_about(opened: Callable[..., Attempt]) -> None:
    opened(moocher="gone", age=9 * DAY)
    opened(moocher="gone", age=2 * DAY)
    assert [reconcile().overdue, reconcile().overdue] == [1, 0]


def test_what_is_settled_in_this_run_is_not_overdue(
    opened: Callable[..., Attempt], psp: SandboxPSP
) -> None:
    over(opened("approve"))
    report = reconcile(everything=True)
    assert (report.settled, report.overdue) == (1, 0)


def test_admins_whom_nobody_told_are_told(
    opened: Callable[..., Attempt], settings: Settings
) -> None:
    settings.ADMINS = ADMINS
    attempt = opened("processing")
    long_ago = timezone.now() - HOUR
    SuspenseItem.objects.create(kind=SuspenseItem.Kind.OVERDUE, attempt=attempt, opened_at=long_ago)
    assert [reconcile().admins_notified, reconcile().admins_notified] == [1, 0]
    assert len(mail.outbox) == 1


# Refunds


class Generous(FakeMoocher):
    """Gives money back, says ``answer`` when it is asked, and loses its first reply."""

    can_refund = True
    answer: Outcome = Pending()
    asked = 0

    def refund(self, refund: Refund) -> Outcome:
        raise TimeoutError("The line is dead")

    def ask_refund(self, refund: Refund) -> Outcome:
        self.asked += 1
        return self.answer


generous = Generous(identifier="generous", title="Generous")
(GENEROUS,) = listed(generous)
TimeTravel = Callable[[dt.timedelta], None]


@pytest.fixture
def travel(monkeypatch: pytest.MonkeyPatch) -> TimeTravel:
    """Return a function that puts our clock forward: a refund's date is not to be changed."""
    now = timezone.now

    def to(age: dt.timedelta) -> None:
        monkeypatch.setattr(timezone, "now", lambda: now() + age)

    return to


@pytest.fixture
def refund(
    psp: SandboxPSP, user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Refund:
    """Return a refund whose reply was lost."""
    settings.PAYMENTS_UI = {"MOOCHERS": [GENEROUS]}
    monkeypatch.setattr(generous, "answer", Pending())
    monkeypatch.setattr(generous, "asked", 0)
    attempt = started(pending(user, "5"), moocher="generous")
    attempt.record(money_of(attempt, psp_reference="psp-1"))
    requested: Refund = stored(attempt.payment).refund(reason="broken")
    assert requested.state == Refund.State.UNKNOWN
    return requested


def given_back(refund: Refund) -> Succeeded:
    return Succeeded(psp_reference="re-1", amount=refund.amount, currency=refund.currency)


def test_a_refund_without_an_answer_is_asked_about_by_the_same_schedule(
    refund: Refund, psp: SandboxPSP, travel: TimeTravel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reconcile().due == 0
    travel(2 * MINUTE)
    assert [reconcile().still_open, reconcile().due] == [1, 0]
    monkeypatch.setattr(generous, "answer", given_back(refund))
    travel(6 * MINUTE)
    assert [reconcile().refunded, reconcile().due] == [1, 0]
    refund.refresh_from_db()
    assert refund.state == Refund.State.SUCCEEDED
    assert generous.asked == 2


def test_one_that_never_reached_the_psp_has_failed(
    refund: Refund, travel: TimeTravel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generous, "answer", Declined(code=DeclineCode.NEVER_HAPPENED))
    travel(2 * MINUTE)
    assert reconcile().failed == 1
    assert stored(refund.payment).refunded_amount == 0


def test_one_that_nobody_answers_for_a_week_is_for_a_person(
    refund: Refund, travel: TimeTravel
) -> None:
    travel(9 * DAY)
    assert [reconcile().asked, reconcile().overdue, reconcile().overdue] == [1, 1, 0]
    assert SuspenseItem.objects.get().refund == refund


def test_one_that_cannot_be_asked_about_is_left_alone(
    refund: Refund, travel: TimeTravel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generous, "can_refund", False)
    travel(2 * MINUTE)
    assert reconcile().skipped == {"generous (cannot be asked)": 1}


# What a process that died has left


@pytest.fixture
def heard() -> Iterator[list[Payment]]:
    """Return the payments that ``post_charge`` was sent for."""
    payments: list[Payment] = []

    def listen(payment: Payment, **kwargs: Any) -> None:
        payments.append(payment)

    post_charge.connect(listen)
    yield payments
    post_charge.disconnect(listen)


def unheard(user: User) -> Payment:
    """Return a payment that was charged ten minutes ago by a process that then died."""
    attempt = started(pending(user, "5"))
    attempt.record(money_of(attempt))
    bare(Attempt).filter(pk=attempt.pk).update(updated_at=timezone.now() - 10 * MINUTE)
    return stored(attempt.payment)


def test_a_charge_that_nobody_heard_of_is_announced(user: User, heard: list[Payment]) -> None:
    payment = unheard(user)
    assert reconcile(dry_run=True).signals_sent == 1
    assert [reconcile().signals_sent, reconcile().signals_sent] == [1, 0]
    assert heard == [payment]


def test_what_another_worker_announces_is_not_announced_again(
    user: User, heard: list[Payment]
) -> None:
    attempt = unheard(user).attempts.get()
    assert [redeliver.send_again(attempt) for _worker in range(2)] == [True, False]
    assert len(heard) == 1


def test_one_that_is_announced_or_undone_or_of_another_moocher_is_not(
    make_user: UserFactory, heard: list[Payment]
) -> None:
    unheard(make_user())
    unheard(make_user()).undo(force=True, reason="by mistake")
    bare(Attempt).filter(payment__undone_at=None).update(signal_sent_at=timezone.now())
    unheard(make_user())
    assert reconcile(moocher="francs").signals_sent == 0
    bare(Attempt).update(updated_at=timezone.now() - MINUTE)
    assert reconcile().signals_sent == 0
    assert heard == []


def test_who_dies_while_announcing_has_not_announced(user: User, heard: list[Payment]) -> None:
    payment = unheard(user)
    died = at(Point.ANNOUNCE_AFTER_RECEIVER, raise_(KeyboardInterrupt))
    with died, pytest.raises(KeyboardInterrupt):
        reconcile()
    assert reconcile().signals_sent == 0
    bare(Attempt).update(updated_at=timezone.now() - 10 * MINUTE)
    assert reconcile().signals_sent == 1
    assert heard == [payment, payment]


def test_a_refund_that_nobody_heard_of_is_announced_once(user: User) -> None:
    given_back = requested_refund(unheard(user).attempts.get(), Decimal(5))
    answer = Succeeded(psp_reference="re-1", amount=Decimal(5), currency=given_back.currency)
    given_back = given_back.record(answer)
    told: list[Refund] = []

    def listen(refund: Refund, **_kwargs: Any) -> None:
        told.append(refund)

    refund_succeeded.connect(listen)
    bare(Attempt).update(signal_sent_at=timezone.now())
    assert reconcile().signals_sent == 0, "the process that wrote it down may be sending"
    bare(Refund).update(updated_at=timezone.now() - 10 * MINUTE)
    assert reconcile(moocher="francs").signals_sent == 0
    died = at(Point.ANNOUNCE_AFTER_RECEIVER, raise_(KeyboardInterrupt))
    with died, pytest.raises(KeyboardInterrupt):
        reconcile()
    assert reconcile().signals_sent == 0
    bare(Refund).update(updated_at=timezone.now() - 10 * MINUTE)
    stale = Refund.objects.get()
    assert [redeliver.send_again(stale) for _worker in range(2)] == [True, False]
    refund_succeeded.disconnect(listen)
    assert told == [given_back] * 2
    assert Refund.objects.get().signal_sent_at


def webhook(attempt: Attempt, **fields: Any) -> Event:
    """Return a webhook about the PSP's reference of an attempt that nobody knew then."""
    about = {"moocher": attempt.moocher, "psp_reference": attempt.psp_reference}
    return Event.objects.create(
        **{"event_id": "evt", "state": Event.State.UNMATCHED, **about, **fields}
    )


def test_a_webhook_that_was_earlier_than_its_attempt_is_looked_at_again(
    opened: Callable[..., Attempt], psp: SandboxPSP
) -> None:
    attempt = opened("processing", age=MINUTE / 2)
    attempt.record(cards.ask(attempt))
    psp.calls.clear()
    event = webhook(again(attempt))
    item = SuspenseItem.objects.create(kind=SuspenseItem.Kind.UNMATCHED, event=event)
    finish(psp, attempt)
    assert reconcile(dry_run=True).events_matched == 1
    assert [reconcile().events_matched, reconcile().events_matched] == [1, 0]
    event.refresh_from_db()
    item.refresh_from_db()
    assert item.state == SuspenseItem.State.CLOSED
    assert list(audit()) == []
    assert (event.state, event.attempt) == (Event.State.PROCESSED, attempt)
    assert again(attempt).state == State.SETTLED
    assert psp.calls["fetch"] == 1


def test_one_about_a_settled_attempt_asks_nobody(
    opened: Callable[..., Attempt], psp: SandboxPSP
) -> None:
    attempt = opened("approve")
    attempt.record(cards.ask(attempt))
    psp.calls.clear()
    webhook(again(attempt))
    assert reconcile().events_matched == 1
    assert not psp.calls


@pytest.mark.parametrize("why", ["old", "unknown reference", "money", "no answer", "mute"])
def test_what_still_cannot_be_matched_stays_unmatched(
    opened: Callable[..., Attempt], psp: SandboxPSP, settings: Settings, why: str
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS, MUTE]}
    attempt = opened("processing", age=MINUTE / 2, moocher="mute" if why == "mute" else "cards")
    attempt.record(cards.ask(attempt))
    psp.calls.clear()
    facts: dict[str, Any] = {
        "old": {"received_at": timezone.now() - 2 * DAY},
        "unknown reference": {"psp_reference": "nobody's"},
        "money": {"amount": Decimal(5), "currency": "CHF"},
    }
    event = webhook(again(attempt), **facts.get(why, {}))
    if why == "no answer":
        psp.plan.outage(3600)
    assert reconcile(moocher=attempt.moocher).events_matched == 0
    event.refresh_from_db()
    assert event.state == Event.State.UNMATCHED


# Many, and several workers


def many(count: int, user: User) -> None:
    """Write down so many open attempts, in five statements."""
    now = timezone.now()
    payments = [Payment(user=user, amount=5, currency="CHF") for _number in range(count)]
    bare(Payment).bulk_create(payments)
    facts: dict[str, Any] = {"user": user, "title": "Use", "amount": Decimal(5), "currency": "CHF"}
    bare(LineItem).bulk_create(LineItem(**facts, payment=payment) for payment in payments)
    bare(Payment).update(sealed_at=now)
    Attempt.objects.bulk_create(
        Attempt(
            payment=payment,
            moocher="cards",
            amount=5,
            currency="CHF",
            idempotency_key=str(payment.pk),
            started_at=now - 3 * MINUTE,
            asked_at=now - MINUTE,
        )
        for payment in payments
    )


def test_a_thousand_open_attempts_are_looked_through_with_few_queries(
    user: User, psp: SandboxPSP
) -> None:
    many(1000, user)

    def queries(due: int) -> int:
        keys = Attempt.objects.open().values_list("pk", flat=True)[:due]
        bare(Attempt).filter(pk__in=list(keys)).update(asked_at=None)
        with CaptureQueriesContext(connection) as captured:
            assert reconcile().asked == due
        return len(captured)

    none, two, four = queries(0), queries(2), queries(4)
    assert none < 16
    assert (four - two) / 2 < 20


@pytest.mark.django_db(transaction=True)
def test_several_workers_ask_once_and_announce_once(
    opened: Callable[..., Attempt], make_user: UserFactory, psp: SandboxPSP, heard: list[Payment]
) -> None:
    for _number in range(6):
        opened("approve")
    silent = [unheard(make_user()) for _number in range(3)]
    with triggers.disabled(events=["UPDATE"]):
        bare(Attempt).filter(payment__in=silent).update(signal_sent_at=None)
    heard.clear()
    results: list[ReconcileResult] = together(4, lambda _number: reconcile())
    assert errors(results) == []
    assert sum(report.settled for report in results) == 6
    assert psp.calls["fetch"] == 6
    assert len(heard) == len(set(heard)) == 9
