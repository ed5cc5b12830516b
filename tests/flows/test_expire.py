"""Giving up what customers abandoned: the PSP first, and only if it confirms."""
# A state equals its text.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Pending,
    Unknown,
)
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment, SuspenseItem
from payments_ui.flows.expire import expire
from payments_ui.flows.psp_call import TransactionOpenError
from payments_ui.testing.failpoints import at, raise_
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import bare, errors, money_of, pending, started, stored, together
from tests.fakes import charge, charge_of, finish

pytestmark = pytest.mark.django_db
State = Attempt.State


def ago(**age: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(**age)


def made(user: User, days: float = 20) -> Payment:
    """Return a pending payment of that long ago."""
    return pending(user, "5", created_at=ago(days=days))


def tried(payment: Payment, outcome: Any = None, *, days: float = 20, **fields: Any) -> Attempt:
    """Return an attempt of that long ago, with this outcome."""
    attempt = started(payment, **fields)
    if outcome is not None:
        attempt.record(outcome)
    then = ago(days=days)
    bare(Attempt).filter(pk=attempt.pk).update(started_at=then, updated_at=then)
    return attempt


def waits_at_psp(psp: SandboxPSP, payment: Payment, plan: str = "3ds", **options: Any) -> Attempt:
    """Return an attempt that waits for its customer, in the PSP's books and in ours."""
    attempt = tried(payment, ActionRequired(url="https://psp.example/pay"), **options)
    psp.plan.add(plan)
    charge(attempt)
    psp.calls.clear()
    return attempt


def test_an_abandoned_payment_is_given_up_and_its_charges_are_free(
    user: User, django_capture_on_commit_callbacks: Any
) -> None:
    payment = made(user)
    with django_capture_on_commit_callbacks(execute=True):
        report = expire()
    assert (report.due, report.expired, report.is_clean) == (1, 1, True)
    assert not Payment.all_objects.exists()
    assert LineItem.objects.unbound().count() == 1
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.PAYMENT_CANCELLED)
    assert (entry.payment_id, entry.actor) == (payment.pk, "command:expire_payments")
    assert entry.reason == "abandoned for 14 days"


def test_what_was_tried_lately_is_not_abandoned(user: User) -> None:
    tried(made(user), Declined(code=DeclineCode.CARD_DECLINED), days=3)
    assert expire().due == 0


def test_what_is_new_charged_or_gone_is_left_alone(make_user: UserFactory) -> None:
    pending(make_user(), "5")
    charged = started(made(make_user()))
    charged.record(money_of(charged))
    bare(Attempt).update(started_at=ago(days=20))
    gone = tried(made(make_user()), Declined(code=DeclineCode.CARD_DECLINED))
    gone.payment.cancel_pending()
    assert expire().due == 0


def test_days_and_user_can_be_chosen(make_user: UserFactory, settings: Settings) -> None:
    first, second = make_user(), make_user()
    made(first, days=3)
    made(second, days=3)
    assert expire().due == 0
    assert expire(days=2, user=first).expired == 1
    settings.PAYMENTS_UI = {"PENDING_DAYS": 2}
    assert expire(dry_run=True).due == 1
    assert expire().expired == 1


def test_a_dry_run_changes_nothing(user: User, psp: SandboxPSP) -> None:
    waits_at_psp(psp, made(user))
    report = expire(dry_run=True)
    assert (report.due, report.expired) == (1, 0)
    assert not psp.calls
    assert Payment.objects.get().state == Payment.State.PROCESSING


def test_what_waits_for_the_customer_is_called_off_at_the_psp_first(
    user: User, psp: SandboxPSP
) -> None:
    attempt = waits_at_psp(psp, made(user))
    assert expire().expired == 1
    assert psp.calls == {"cancel": 1}
    assert charge_of(psp, attempt).status == "cancelled"
    assert stored(attempt.payment).state == Payment.State.CANCELLED
    assert LineItem.objects.unbound().count() == 1


def test_what_was_written_down_and_never_sent_is_called_off_too(
    user: User, psp: SandboxPSP
) -> None:
    attempt = tried(made(user))
    assert expire().expired == 1
    assert psp.calls == {"cancel": 1}
    assert Attempt.objects.get(pk=attempt.pk).state == Attempt.State.CANCELLED


def test_money_that_was_taken_meanwhile_is_a_charge(user: User, psp: SandboxPSP) -> None:
    attempt = waits_at_psp(psp, made(user))
    finish(psp, attempt)
    report = expire()
    assert (report.charged, report.expired, report.is_clean) == (1, 0, True)
    assert stored(attempt.payment).state == Payment.State.CHARGED


def test_without_the_psps_yes_nothing_is_freed(user: User, psp: SandboxPSP) -> None:
    attempt = waits_at_psp(psp, made(user), "processing")
    report = expire()
    assert (report.kept, report.expired, report.is_clean) == (1, 0, True)
    assert stored(attempt.payment).state == Payment.State.PROCESSING
    assert not LineItem.objects.unbound().exists()


@pytest.mark.parametrize("outcome", [Pending(), Unknown(reason="timeout")])
def test_what_is_under_way_or_unknown_is_never_given_up(
    user: User, psp: SandboxPSP, outcome: Any
) -> None:
    tried(made(user), outcome, days=400)
    assert expire().due == 0
    assert not psp.calls


def test_an_announced_transfer_has_a_limit_of_its_own(
    make_user: UserFactory, psp: SandboxPSP, settings: Settings
) -> None:
    young, old = (made(make_user(), days=500) for _number in range(2))
    tried(young, Pending(), days=59, manual=True)
    tried(old, Pending(), days=61, manual=True)
    psp.plan.add("3ds")
    charge(old.attempts.get())
    assert expire().expired == 1
    assert stored(young).state == Payment.State.PROCESSING
    settings.PAYMENTS_UI = {**settings.PAYMENTS_UI, "TRANSFER_DAYS": 30}
    assert expire(days=100).due == 0
    assert expire(days=30, dry_run=True).due == 1


@pytest.mark.parametrize(
    "written", [{"payment_service_provider": "banktransfer"}, {"transaction": "announced"}]
)
def test_a_transfer_announced_without_an_attempt_is_one_too(
    user: User, written: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a moocher of django-mooch announces it that runs without the kit's middleware."""
    payment = pending(user, "5")
    for name, value in written.items():
        setattr(payment, name, value)
    payment.save()
    for days, expired in ((20, 0), (39, 0), (2, 1)):
        # On top of the days before.
        later = ago(days=-days)
        monkeypatch.setattr("payments_ui.flows.expire.timezone.now", lambda now=later: now)
        assert expire().expired == expired


def test_a_transfer_that_the_customer_called_off_is_abandoned(user: User) -> None:
    payment = made(user)
    payment.payment_service_provider = "banktransfer"
    payment.save()
    tried(payment, Cancelled(), manual=True)
    assert expire().expired == 1


def test_what_a_moocher_started_that_is_not_listed_any_more_is_kept(user: User) -> None:
    tried(made(user), moocher="old")
    assert expire().kept == 1


def test_wrong_money_waits_for_a_person_first(user: User) -> None:
    attempt = started(made(user))
    attempt.record(money_of(attempt, amount=attempt.amount - 1))
    bare(Attempt).update(started_at=ago(days=20))
    assert expire().due == 0


def test_who_comes_back_in_the_last_moment_keeps_the_payment(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    payments = [made(make_user()) for _number in range(2)]

    def come_back() -> None:
        for payment in Payment.objects.pending():
            started(payment)

    with at(Point.EXPIRE_BETWEEN_PAYMENTS, come_back, on_hit=1):
        report = expire()
    assert (report.due, report.expired) == (2, 1)
    assert not psp.calls
    assert Payment.objects.pending().count() == len(payments) - 1


def test_what_ends_between_the_list_and_its_turn_is_left_alone(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    attempts = [waits_at_psp(psp, made(make_user())) for _number in range(2)]

    def pay() -> None:
        for attempt in Attempt.objects.open():
            attempt.record(money_of(attempt))

    with at(Point.EXPIRE_BETWEEN_PAYMENTS, pay, on_hit=1):
        report = expire()
    assert (report.due, report.expired, report.is_clean) == (2, 1, True)
    assert psp.calls == {"cancel": 1}
    assert sorted(stored(attempt.payment).state for attempt in attempts) == ["cancelled", "charged"]


def test_whose_attempt_ends_between_the_list_and_its_turn_is_given_up(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    for _number in range(2):
        waits_at_psp(psp, made(make_user()))

    def end() -> None:
        for attempt in Attempt.objects.open():
            attempt.record(Cancelled())
            bare(Attempt).filter(pk=attempt.pk).update(updated_at=ago(days=20))

    with at(Point.EXPIRE_BETWEEN_PAYMENTS, end, on_hit=1):
        report = expire()
    assert (report.due, report.expired, report.is_clean) == (2, 2, True)
    assert psp.calls == {"cancel": 1}


def test_money_that_comes_after_the_psps_yes_is_a_charge(user: User, psp: SandboxPSP) -> None:
    attempt = waits_at_psp(psp, made(user))

    def come() -> None:
        attempt.record(money_of(attempt))

    with at(Point.CANCEL_AFTER_PSP, come):
        report = expire()
    assert (report.charged, report.expired, report.is_clean) == (1, 0, True)
    assert stored(attempt.payment).state == Payment.State.CHARGED


def test_one_failure_never_stops_the_others(
    make_user: UserFactory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for _number in range(3):
        made(make_user())
    with at(Point.CANCEL_BEFORE_COMMIT, raise_(RuntimeError("disk full")), on_hit=2):
        report = expire()
    assert (report.expired, report.errors, report.is_clean) == (2, 1, False)
    assert "disk full" in caplog.text
    assert expire().expired == 1


def test_a_psp_that_does_not_answer_is_left_alone_for_this_run(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    for _number in range(7):
        waits_at_psp(psp, made(make_user()))
    made(make_user())
    psp.plan.outage(3600)
    report = expire()
    assert report.not_answering == ["cards"]
    assert not report.is_clean
    assert psp.calls == {"cancel": 5}
    assert report.expired == 1
    assert Payment.objects.pending().count() == 7


def test_it_refuses_to_ask_inside_a_transaction(transactional_db: None) -> None:
    with pytest.raises(TransactionOpenError), transaction.atomic():
        expire()


@pytest.mark.django_db(transaction=True)
def test_several_workers_give_each_payment_up_once(make_user: UserFactory, psp: SandboxPSP) -> None:
    for _number in range(3):
        waits_at_psp(psp, made(make_user()))
        made(make_user())
    results = together(3, lambda _number: expire())
    assert errors(results) == []
    assert sum(report.expired for report in results) == 6
    assert all(report.is_clean for report in results)
    given_up = JournalEntry.objects.filter(verb=JournalEntry.Verb.PAYMENT_CANCELLED)
    assert given_up.count() == LineItem.objects.unbound().count() == 6


def test_money_to_look_at_keeps_a_payment_though_its_answer_was_once_overdue(user: User) -> None:
    attempt = tried(made(user), Unknown())
    SuspenseItem.objects.open_item(SuspenseItem.Kind.OVERDUE, attempt=attempt)
    # The answer ends the overdue item, and the money waits for a person to decide.
    attempt.record(money_of(attempt, amount=Decimal(4)))
    assert SuspenseItem.objects.open().get().kind == "mismatch"
    assert expire().due == 0


def test_a_part_that_has_arrived_is_never_thrown_away(user: User) -> None:
    payment = made(user, days=500)
    transfer = tried(payment, Pending(psp_reference="RF1"), days=100, moocher="bank", manual=True)
    payment.book_by_hand(by="user:1", reason="seen", amount="2")
    # Its last part is younger than TRANSFER_DAYS.
    assert expire().due == 0
    bare(Attempt).filter(pk=transfer.pk).update(updated_at=ago(days=61))
    for due in (1, 0):
        result = expire()
        assert (result.due, result.expired, result.kept) == (due, 0, due)
    # A person decides about it, and has the payment for it.
    assert SuspenseItem.objects.get().amount == 2
    assert stored(payment).state == Payment.State.PENDING
    assert stored(payment).lineitems.count() == 1


def test_a_part_that_arrives_in_the_last_moment_keeps_the_payment_too(user: User) -> None:
    payment = made(user, days=500)
    tried(payment, Pending(psp_reference="RF1"), days=100, moocher="bank", manual=True)

    def arrive() -> None:
        stored(payment).book_by_hand(by="user:1", reason="seen", amount="2")

    with at(Point.CANCEL_AFTER_PSP, arrive):
        result = expire()
    assert (result.expired, result.kept) == (0, 1)
    assert SuspenseItem.objects.get().amount == 2
    assert stored(payment).state == Payment.State.PENDING
