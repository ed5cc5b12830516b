"""A PSP charges an attempt a second time: the money is kept, and the admins are told."""
# A state equals its text.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Outcome, Pending, Succeeded
from payments_ui.core.audit import audit
from payments_ui.core.models import Attempt, Event, SuspenseItem
from payments_ui.flows import compare_ledgers
from payments_ui.moochers.base import LedgerLine, LedgerStatus, Moocher, Notice
from payments_ui.testing.moochers import listed
from tests.conftest import UserFactory
from tests.core.support import ADMINS, pending, started, stored, together

pytestmark = pytest.mark.django_db(transaction=True)
State = Attempt.State


class Charging(Moocher):
    """A moocher whose PSP has charges by their reference, and believes every webhook."""

    account = "acct"
    has_ledger = True
    charges: Mapping[str, Outcome | Exception] = {}

    def webhook(self, request: HttpRequest) -> Notice:
        event = json.loads(request.body)
        return Notice(
            event_id=event["id"],
            attempt_id=UUID(event["attempt"]),
            psp_reference=event["reference"],
        )

    def ask(self, attempt: Attempt) -> Outcome:
        answer = self.charges[attempt.psp_reference or "ch_1"]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ledger(self) -> Iterator[LedgerLine]:
        for reference, charge in self.charges.items():
            if isinstance(charge, Succeeded):
                yield LedgerLine(
                    psp_reference=reference,
                    reference="",
                    amount=charge.amount,
                    refunded=Decimal(0),
                    currency=charge.currency,
                    status=LedgerStatus.TAKEN,
                )


twice = Charging(identifier="twice", title="Twice")


def money(reference: str, amount: str = "5") -> Succeeded:
    return Succeeded(
        psp_reference=reference, amount=Decimal(amount), currency="CHF", account="acct"
    )


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": listed(twice)}
    settings.ADMINS = ADMINS
    twice.charges = {"ch_1": money("ch_1"), "ch_2": money("ch_2")}


@pytest.fixture
def charged(user: User) -> Attempt:
    """Return an attempt that the PSP charged once."""
    attempt = started(pending(user, "5"), moocher="twice", account="acct")
    return attempt.record(money("ch_1"))


def report(attempt: Attempt, reference: str = "ch_2", event: str = "evt") -> int:
    """Post the PSP's webhook; return its status."""
    body = {"id": event, "attempt": str(attempt.pk), "reference": reference}
    url = reverse("payments_ui:webhook", kwargs={"identifier": "twice"})
    return Client().post(url, body, content_type="application/json").status_code


def reviews() -> int:
    """Return how many mails ask the admins to review money; Django mails a 503, too."""
    return sum("Needs review" in message.subject for message in mail.outbox)


def differences() -> list[str]:
    return [finding.rule for finding in compare_ledgers.compare("twice", "default")]


def test_its_money_is_surplus_and_told(charged: Attempt) -> None:
    twice.charges = {"ch_1": money("ch_1"), "ch_2": money("ch_2", "7")}
    assert differences() == ["psp_booked"]
    assert [report(charged), report(charged), report(charged, event="again")] == [200, 200, 200]
    surplus = Attempt.objects.get(state=State.SURPLUS)
    assert (surplus.psp_reference, surplus.received, surplus.account) == ("ch_2", 7, "acct")
    assert surplus.payment == charged.payment
    item = SuspenseItem.objects.get()
    assert (item.attempt, item.amount) == (surplus, 7)
    assert reviews() == 1
    assert stored(charged.payment).state == "charged"
    assert differences() == []
    assert list(audit()) == []


def test_the_first_charge_reported_again_is_no_second(charged: Attempt) -> None:
    assert report(charged, "ch_1") == 200
    assert not SuspenseItem.objects.exists()
    assert Event.objects.get().state == Event.State.PROCESSED


@pytest.mark.parametrize(
    "answer", [Declined(code=DeclineCode.GENERIC), Pending(psp_reference="ch_2")]
)
def test_one_that_took_nothing_is_no_surplus(charged: Attempt, answer: Outcome) -> None:
    twice.charges = {"ch_1": money("ch_1"), "ch_2": answer}
    assert report(charged) == 200
    assert not SuspenseItem.objects.exists()


def test_one_after_a_decline_charges_the_payment(user: User) -> None:
    attempt = started(pending(user, "5"), moocher="twice", account="acct")
    no = Declined(code=DeclineCode.CARD_DECLINED, psp_reference="ch_1")
    attempt.record(no)
    twice.charges = {"ch_1": no, "ch_2": money("ch_2")}
    assert report(attempt) == 200
    assert stored(attempt.payment).state == "charged"
    assert not SuspenseItem.objects.exists()
    assert differences() == []


def test_without_an_answer_it_is_kept_and_told_and_booked_when_it_comes(charged: Attempt) -> None:
    twice.charges = {"ch_1": money("ch_1"), "ch_2": TimeoutError()}
    assert [report(charged), report(charged)] == [503, 503]
    assert Event.objects.get().state == Event.State.UNMATCHED
    assert (SuspenseItem.objects.get().kind, reviews()) == ("unmatched", 1)
    twice.charges = {"ch_1": money("ch_1"), "ch_2": money("ch_2")}
    assert differences() == ["psp_booked"]
    assert report(charged) == 200
    assert Event.objects.get().state == Event.State.PROCESSED
    assert [item.kind for item in SuspenseItem.objects.open()] == ["surplus"]
    assert differences() == []


def test_an_answer_about_another_charge_is_for_a_person_to_review(charged: Attempt) -> None:
    """As a moocher gives it that finds charges by the attempt's key alone."""
    twice.charges = {"ch_1": money("ch_1"), "ch_2": money("ch_1")}
    assert [report(charged), report(charged)] == [200, 200]
    assert Event.objects.get().state == Event.State.UNMATCHED
    assert SuspenseItem.objects.get().kind == "unmatched"
    assert reviews() == 1


def test_reports_at_once_are_one_surplus(charged: Attempt) -> None:
    assert together(4, lambda number: report(charged, event=f"evt-{number % 2}")) == [200] * 4
    assert Attempt.objects.filter(state=State.SURPLUS).count() == 1
    assert SuspenseItem.objects.count() == 1
    assert reviews() == 1


def test_an_id_that_the_psp_uses_twice_drops_nothing(make_user: UserFactory) -> None:
    """As for all charges of a batch: each webhook is about another attempt."""
    twice.charges = {"ch_1": money("ch_1"), "ch_2": money("ch_2")}
    for reference in ("ch_1", "ch_2"):
        attempt = started(pending(make_user(), "5"), moocher="twice", account="acct")
        attempt.record(Pending(psp_reference=reference))
        assert [report(attempt, reference), report(attempt, reference)] == [200, 200]
        assert stored(attempt.payment).state == "charged"
    assert Event.objects.filter(state=Event.State.PROCESSED).count() == 2


def test_an_id_that_the_psp_uses_twice_keeps_a_second_charge(charged: Attempt) -> None:
    assert [report(charged, "ch_1"), report(charged, "ch_2"), report(charged, "ch_2")] == [200] * 3
    assert SuspenseItem.objects.get().kind == "surplus"
    assert differences() == []


def test_an_id_that_the_psp_uses_twice_keeps_what_is_unmatched(charged: Attempt) -> None:
    assert report(charged, "ch_1") == 200
    assert [report(Attempt(), "ch_9"), report(Attempt(), "ch_9")] == [200, 200]
    assert [item.kind for item in SuspenseItem.objects.all()] == ["unmatched"]
