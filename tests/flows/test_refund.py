"""Giving money back at a PSP: committed before it is asked, and whatever it says is written."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client

from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Outcome, Pending, Succeeded
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, Event, Payment, Refund, SuspenseItem
from payments_ui.flows import psp_call
from payments_ui.flows import refund as refunding
from payments_ui.flows.psp_call import TransactionOpenError
from payments_ui.testing.failpoints import at, raise_
from payments_ui.testing.moochers import listed
from payments_ui.testing.psp import SandboxPSP
from tests.core.support import money_of, pending, started, stored
from tests.fakes import FRANCS, FakeMoocher
from tests.shopping import report

pytestmark = pytest.mark.django_db
State = Refund.State
NEVER = Declined(code=DeclineCode.NEVER_HAPPENED)


class Giving(FakeMoocher):
    """Gives money back as ``answers`` says, one after the other, then as a matter of course."""

    can_refund = True
    identifier = "giving"
    title = "Card"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.answers: list[Callable[[Refund], Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.open_blocks: list[bool] = []

    def refund(self, refund: Refund) -> Outcome:
        answer: Outcome = self._answer("refund", refund)
        return answer

    def ask_refund(self, refund: Refund) -> Outcome:
        answer: Outcome = self._answer("ask", refund)
        return answer

    def _answer(self, question: str, refund: Refund) -> Any:
        self.asked.append((question, refund.idempotency_key))
        self.open_blocks.append(connection.in_atomic_block)
        return (self.answers.pop(0) if self.answers else given)(refund)


def given(refund: Refund) -> Outcome:
    reference = f"re-{refund.reference}"
    return Succeeded(psp_reference=reference, amount=refund.amount, currency=refund.currency)


def lost(refund: Refund) -> Outcome:
    raise TimeoutError("The line is dead")


def never(refund: Refund) -> Outcome:
    return NEVER


giving = Giving()


@pytest.fixture(autouse=True)
def moocher(settings: Any, psp: SandboxPSP) -> Giving:
    settings.PAYMENTS_UI = {
        "MOOCHERS": [*listed(giving), FRANCS],
        "PAYEE": "Us",
    }
    giving.answers, giving.asked, giving.open_blocks = [], [], []
    return giving


@pytest.fixture
def payment(user: User) -> Payment:
    """Return a payment of 12.00 that the PSP charged."""
    return charged(user)


def charged(user: User, **fields: Any) -> Payment:
    attempt = started(pending(user, "12"), **{"moocher": "giving", **fields})
    facts = {"psp_reference": f"ch_{attempt.pk.hex}"}
    attempt.record(money_of(attempt, **facts))
    return stored(attempt.payment)


def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so much time pass that no request can arrive any more."""
    monkeypatch.setattr(psp_call, "GRACE", dt.timedelta(0))


# Sending


def test_the_psp_gives_the_money_back(payment: Payment, moocher: Giving) -> None:
    refund = payment.refund("5.00", reason="broken")
    assert (refund.state, refund.psp_reference) == (State.SUCCEEDED, f"re-{refund.reference}")
    assert moocher.asked == [("refund", refund.idempotency_key)]
    assert payment.refunded_amount == 5


@pytest.mark.django_db(transaction=True)
def test_it_is_committed_before_the_psp_is_asked(payment: Payment, moocher: Giving) -> None:
    payment.refund(reason="broken")
    assert moocher.open_blocks == [False]


def test_the_psp_may_say_no_or_take_its_time(payment: Payment, moocher: Giving) -> None:
    moocher.answers = [
        lambda _r: Declined(code=DeclineCode.INSUFFICIENT_FUNDS),
        lambda _r: Pending(psp_reference="re-1"),
    ]
    assert payment.refund(reason="broken").state == State.FAILED
    assert payment.refund(reason="broken").state == State.PENDING


def garbled(refund: Refund) -> object:
    return {"status": "ok"}


def overlong(refund: Refund) -> object:
    return Pending(psp_reference="x\x00" * 200)


@pytest.mark.parametrize("answer", [lost, garbled])
def test_whatever_goes_wrong_is_unknown_and_asked_about_later(
    payment: Payment, moocher: Giving, answer: Callable[[Refund], object]
) -> None:
    moocher.answers = [answer]
    refund = payment.refund(reason="broken")
    assert (refund.state, payment.refunded_amount) == (State.UNKNOWN, 12)
    assert refunding.ask(refund)[0].state == State.SUCCEEDED
    assert [question for question, _key in moocher.asked] == ["refund", "ask"]


def test_an_answer_that_cannot_be_stored_is_unknown(
    payment: Payment, moocher: Giving, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Refund.record
    outcomes: list[Outcome] = []

    def fail_once(refund: Refund, outcome: Outcome) -> Refund:
        outcomes.append(outcome)
        if len(outcomes) == 1:
            raise ValueError("too long for the column")
        return record(refund, outcome)

    monkeypatch.setattr(Refund, "record", fail_once)
    assert payment.refund(reason="broken").state == State.UNKNOWN


def test_inside_a_transaction_nothing_is_asked(payment: Payment, moocher: Giving) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        payment.refund(reason="broken")
    refund = refund_of_a_killed_process(payment)
    with pytest.raises(TransactionOpenError), transaction.atomic():
        refunding.send(refund)
    assert moocher.asked == []


class Killed(BaseException):
    """Nobody catches it."""


def refund_of_a_killed_process(payment: Payment) -> Refund:
    """Request a refund in a process that dies before the PSP is asked."""
    with pytest.raises(Killed), at(Point.REFUND_AFTER_REQUEST, raise_(Killed())):
        payment.refund(reason="broken")
    refund: Refund = Refund.objects.get()
    return refund


@pytest.mark.parametrize("point", [Point.REFUND_AFTER_PSP, Point.REFUND_BEFORE_COMMIT])
def test_a_process_that_dies_afterwards_is_no_loss(
    payment: Payment, moocher: Giving, point: Point
) -> None:
    with pytest.raises(Killed), at(point, raise_(Killed())):
        payment.refund(reason="broken")
    refund = Refund.objects.get()
    assert (refund.state, payment.refunded_amount) == (State.REQUESTED, 12)
    assert refunding.ask(refund)[0].state == State.SUCCEEDED


# By hand


@pytest.mark.parametrize(
    "fields",
    [{"moocher": "francs"}, {"moocher": "gone"}, {"account": "other"}, {"manual": True}],
)
def test_where_the_psp_cannot_a_person_sends_the_money(
    user: User, moocher: Giving, fields: dict[str, Any]
) -> None:
    refund = charged(user, **fields).refund(reason="broken")
    assert (refund.manual, refund.state, moocher.asked) == (True, State.REQUESTED, [])
    assert refunding.ask(refund)[0].state == State.REQUESTED


def test_what_the_psp_has_no_reference_of_a_person_sends(user: User, moocher: Giving) -> None:
    attempt = started(pending(user, "12"), moocher="giving")
    attempt.record(money_of(attempt))
    assert attempt.payment.refund(reason="broken").manual


def test_a_moocher_that_is_not_listed_any_more_leaves_the_refund_as_it_is(
    payment: Payment, moocher: Giving, settings: Any
) -> None:
    moocher.answers = [lost]
    refund = payment.refund(reason="broken")
    settings.PAYMENTS_UI = {"MOOCHERS": []}
    assert refunding.ask(refund)[0].state == refunding.send(refund).state == State.UNKNOWN


# Looking


def test_never_heard_of_it_is_not_believed_at_once(
    payment: Payment, moocher: Giving, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund = refund_of_a_killed_process(payment)
    moocher.answers = [never, never]
    assert refunding.ask(refund)[0].state == State.REQUESTED
    late(monkeypatch)
    failed = refunding.ask(refund)[0]
    assert (failed.state, failed.failure_code) == (State.FAILED, "never_happened")
    assert payment.refunded_amount == 0


# Webhooks


def test_a_webhook_about_a_refund_has_the_psp_asked(payment: Payment, moocher: Giving) -> None:
    moocher.answers = [lambda _r: Pending(psp_reference="re-1")]
    refund = payment.refund(reason="broken")
    for _time in range(2):
        assert told_of(refund).status_code == 200
    assert Refund.objects.get().state == State.SUCCEEDED
    assert len(moocher.asked) == 2
    assert Event.objects.get().state == Event.State.PROCESSED


def told_of(refund: Refund, **facts: Any) -> Any:
    charge = refund.attempt.psp_reference or ""
    about: dict[str, Any] = {
        "object": "refund",
        "charge": charge,
        "metadata": {"refund": str(refund.pk)},
    }
    return report(Client(), identifier="giving", reference=f"re_{1:032x}", **about, **facts)


def test_a_refund_that_failed_may_have_arrived_after_all(payment: Payment, moocher: Giving) -> None:
    moocher.answers = [lambda _r: Declined(code=DeclineCode.GENERIC)]
    refund = payment.refund(reason="broken")
    told_of(refund)
    assert (Refund.objects.get().state, payment.refunded_amount) == (State.SUCCEEDED, 12)


def test_a_psp_that_does_not_answer_sends_its_webhook_again(
    payment: Payment, moocher: Giving
) -> None:
    moocher.answers = [lost, lost]
    assert told_of(payment.refund(reason="broken")).status_code == 503
    assert not Event.objects.exists()


def test_a_refund_that_is_not_ours_is_nobodys_business(payment: Payment, moocher: Giving) -> None:
    attempt = payment.attempts.get()
    assert told_of(Refund(attempt=attempt)).status_code == 200
    assert moocher.asked == []


@pytest.mark.parametrize(("named", "items"), [(True, 1), (False, 0)])
def test_a_person_looks_at_a_report_of_an_attempt_that_should_be_ours(
    named: bool, items: int
) -> None:
    about: dict[str, Any] = {"attempt": Attempt()} if named else {"reference": f"ch_{9:032x}"}
    for _time in range(2):
        assert report(Client(), identifier="giving", **about).status_code == 200
    assert SuspenseItem.objects.filter(kind="unmatched", state="open").count() == items
    assert Event.objects.get().state == Event.State.UNMATCHED


# Money that was set aside


def test_surplus_goes_back_through_the_psp(user: User, moocher: Giving) -> None:
    attempt = started(pending(user, "12"), moocher="giving")
    facts = {"psp_reference": "psp-1", "amount": Decimal(13)}
    attempt.record(money_of(attempt, **facts))
    item = attempt.suspense_items.get()
    assert item.give_back(by="user:1", reason="too much").state == "returned"
    assert Refund.objects.get().amount == 13
