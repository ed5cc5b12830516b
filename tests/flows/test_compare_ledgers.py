"""A PSP's books and ours are compared line by line, in both directions."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from payments_ui.core.attempts import arrivals
from payments_ui.core.audit import Finding
from payments_ui.core.models import Attempt, Event, Refund, SuspenseItem
from payments_ui.core.suspense import resolution
from payments_ui.exceptions import MoocherError
from payments_ui.flows import compare_ledgers
from payments_ui.moochers import registry
from payments_ui.moochers.base import AttemptUrls, LedgerLine, LedgerStatus, Moocher
from payments_ui.testing.moochers import InProcessMoocher, listed, new_psp
from tests.core.support import bare, charged, money_of, pending, started

pytestmark = pytest.mark.django_db


URLS = AttemptUrls("http://127.0.0.1:9/back", "http://127.0.0.1:9/webhook")


class Listing(Moocher):
    """A moocher whose PSP has these books, and says no more."""

    has_ledger = True
    lines: tuple[LedgerLine, ...] = ()

    def ledger(self) -> Iterator[LedgerLine]:
        yield from self.lines


class Silent(Moocher):
    """A moocher whose PSP lists nothing."""


cards = Listing(identifier="cards", title="Cards")
silent = Silent(identifier="silent", title="Silent")


@pytest.fixture(autouse=True)
def _moochers(settings: Settings) -> Iterator[None]:
    settings.PAYMENTS_UI = {"MOOCHERS": listed(cards, silent)}
    yield
    cards.lines = ()


@pytest.fixture
def taken(user: User) -> Attempt:
    """Return a charge of 10.00 that both books have."""
    attempt: Attempt = charged(user, "10").attempts.get()
    cards.lines = (line(attempt),)
    return attempt


def line(attempt: Attempt, **facts: Any) -> LedgerLine:
    """Return what the PSP's books have of an attempt."""
    asked: dict[str, Any] = {
        "psp_reference": attempt.psp_reference or f"ch_{attempt.reference}",
        "reference": attempt.idempotency_key,
        "amount": attempt.amount,
        "refunded": Decimal(0),
        "currency": attempt.currency,
        "status": LedgerStatus.TAKEN,
    }
    return LedgerLine(**{**asked, **facts})


def compare(identifier: str = "cards") -> list[Finding]:
    return list(compare_ledgers.compare(identifier, "default"))


def only_rule() -> str:
    (finding,) = compare()
    return finding.rule


def refund(attempt: Attempt, amount: str, **fields: Any) -> None:
    reserved = attempt.refunded_amount + Decimal(amount)
    bare(Attempt).filter(pk=attempt.pk).update(refunded_amount=reserved)
    attempt.refunded_amount = reserved
    Refund.objects.create(
        payment=attempt.payment,
        attempt=attempt,
        amount=Decimal(amount),
        currency=attempt.currency,
        idempotency_key=f"refund-{amount}",
        reason="asked for",
        **fields,
    )


def test_equal_books_have_no_differences(taken: Attempt, user: User) -> None:
    failed = started(pending(user, "3"))
    cards.lines += (line(failed, status=LedgerStatus.OPEN, reference=""),)
    assert compare() == []
    assert compare("all") == []


def test_money_that_nobody_here_asked_for_is_found(taken: Attempt) -> None:
    cards.lines += (line(taken, psp_reference="ch_strange", reference="strange"),)
    assert compare() == [
        Finding(
            "psp_booked",
            "charge",
            "ch_strange",
            "ch_strange taken amount=10 refunded=0 currency=CHF",
        )
    ]


def test_money_that_is_kept_as_unmatched_is_booked() -> None:
    facts = {"amount": Decimal(5), "currency": "CHF", "psp_reference": "ch_5"}
    arrivals.book_arrival(moocher="cards", event_id="1", **facts)  # type: ignore[arg-type]
    facts |= {"reference": "", "refunded": Decimal(0), "status": LedgerStatus.TAKEN}
    cards.lines = (LedgerLine(**facts),)  # type: ignore[arg-type]
    assert compare() == []


def test_a_webhook_alone_books_nothing(taken: Attempt) -> None:
    facts = {"moocher": "cards", "psp_reference": "ch_2"}
    processed = {"state": Event.State.PROCESSED, "attempt": taken}
    Event.objects.create(event_id="evt_1", **facts, **processed)
    cards.lines += (line(taken, psp_reference="ch_2", reference=""),)
    assert only_rule() == "psp_booked"
    event = Event.objects.create(event_id="evt_2", **facts, state=Event.State.UNMATCHED)
    item = SuspenseItem.objects.open_item(SuspenseItem.Kind.UNMATCHED, event=event)
    assert only_rule() == "psp_booked"
    resolution.close(item, by="clerk", reason="another shop's")
    assert compare() == []


def test_a_second_charge_that_is_booked_as_surplus_is_no_difference(taken: Attempt) -> None:
    """Its line has the same key as the first one, and a reference of its own."""
    cards.lines += (line(taken, psp_reference="ch_2"),)
    assert only_rule() == "psp_once"
    outcome = taken.exact_outcome(psp_reference="ch_2")
    taken.payment.record_surplus("cards", outcome, by="cards", reason="a second time")
    assert compare() == []


def test_money_whose_attempt_is_open_is_not_booked(user: User) -> None:
    attempt = started(pending(user, "3"))
    cards.lines = (line(attempt),)
    assert only_rule() == "psp_booked"


def test_money_that_the_psp_did_not_take_is_found(taken: Attempt) -> None:
    cards.lines = (line(taken, status=LedgerStatus.FAILED),)
    assert {finding.rule for finding in compare()} == {"psp_taken"}


def test_money_that_the_psp_does_not_list_is_found(taken: Attempt) -> None:
    cards.lines = ()
    assert compare() == [
        Finding(
            "psp_taken",
            "attempt",
            str(taken.pk),
            "state=settled received=10 CHF PSP: not listed",
        )
    ]


def test_what_a_person_booked_is_no_matter_of_the_psp(user: User) -> None:
    attempt = started(pending(user, "3"), manual=True)
    attempt.book_by_hand(by="user:1", reason="seen")
    assert compare() == []


def test_a_second_charge_of_an_attempt_is_found(taken: Attempt) -> None:
    cards.lines += (line(taken, psp_reference="ch_again"),)
    assert only_rule() == "psp_once"


@pytest.mark.parametrize("facts", [{"amount": Decimal("10.01")}, {"currency": "EUR"}])
def test_other_money_is_found(taken: Attempt, facts: dict[str, Any]) -> None:
    cards.lines = (line(taken, **facts),)
    assert only_rule() == "psp_amount"


def test_a_mismatch_is_booked_as_what_the_psp_took(user: User) -> None:
    attempt = started(pending(user, "3"))
    attempt.record(money_of(attempt, amount=Decimal(2), psp_reference="ch_2"))
    cards.lines = (line(attempt, amount=Decimal(2)),)
    assert compare() == []


def test_refunds_of_both_books_are_equal(taken: Attempt) -> None:
    refund(taken, "3", state="succeeded")
    refund(taken, "4", state="succeeded", manual=True)
    cards.lines = (line(taken, refunded=Decimal(3)),)
    assert compare() == []
    cards.lines = (line(taken, refunded=Decimal(7)),)
    assert only_rule() == "psp_refunded"


def test_an_open_refund_may_be_given_back_already_or_not(taken: Attempt) -> None:
    refund(taken, "3", state="succeeded")
    refund(taken, "4")
    for given, found in ((2, 1), (3, 0), (7, 0), (8, 1)):
        cards.lines = (line(taken, refunded=Decimal(given)),)
        assert len(compare()) == found


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[None]:
    """Let the site take payments at a sandbox."""
    with new_psp() as psp:
        paths = listed(InProcessMoocher(psp_url=psp.url))
        settings.PAYMENTS_UI = {"MOOCHERS": paths, "ALLOW_SANDBOX": True}
        yield


@pytest.mark.usefixtures("sandbox")
def test_the_sandbox_and_the_site_have_the_same_books(user: User) -> None:
    moocher = registry.moochers()["sandbox"]
    attempt = started(pending(user, "12"), moocher="sandbox", account=moocher.account)
    taken = moocher.charge(attempt, data={"card": "card_approve"}, urls=URLS)
    assert [(finding.rule, finding.id) for finding in compare("all")] == [
        ("psp_booked", str(attempt.pk))
    ]
    attempt.record(taken)
    assert compare("all") == []


def test_a_moocher_that_lists_nothing_cannot_be_compared() -> None:
    for identifier in ("silent", "nobody"):
        with pytest.raises(MoocherError, match=r"\(with a ledger: cards\)"):
            compare(identifier)


def test_that_nothing_was_compared_is_no_clean_bill(settings: Settings) -> None:
    settings.PAYMENTS_UI = settings.PAYMENTS_UI | {"MOOCHERS": []}
    with pytest.raises(MoocherError, match=r"\(with a ledger: none\)"):
        compare("all")


def test_long_books_are_compared_in_little_memory(taken: Attempt) -> None:
    peaks = []
    for number in (1_000, 3_000):
        cards.lines = (  # type: ignore[assignment]
            line(taken, psp_reference=f"ch_{n}", reference=f"{n}") for n in range(number)
        )
        tracemalloc.start()
        assert sum(1 for _ in compare_ledgers.compare("cards", "default")) == number + 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5
