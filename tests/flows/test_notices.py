"""Notices of every kind: the PSP is asked what is true, and what it reported is kept once."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core import triggers
from payments_ui.core.attempts.outcomes import Cancelled, Outcome, Pending, Succeeded, Unknown
from payments_ui.core.audit import audit
from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.models import (
    Attempt,
    Dispute,
    Event,
    JournalEntry,
    Refund,
    SuspenseItem,
)
from payments_ui.core.refunds.report import RefundReport
from payments_ui.exceptions import WebhookNotConfiguredError
from payments_ui.flows import compare_ledgers, missed_events, notices, payment_methods
from payments_ui.flows.reconcile import reconcile
from payments_ui.moochers.base import LedgerLine, LedgerStatus, Moocher, Notice
from payments_ui.testing.moochers import listed
from tests.core.support import ADMINS, bare, journalled, money_of, pending, started

pytestmark = pytest.mark.django_db(transaction=True)
Verb = JournalEntry.Verb


class Bank(Moocher):
    """A moocher whose PSP says what the test lets it say."""

    account = "acct"
    can_refund = True
    has_events = True
    has_ledger = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.notice = Notice(event_id="evt")
        self.error: Exception | None = None
        self.asked: list[str] = []
        self.outcome: Outcome = Unknown(reason="nothing is known")
        self.refunds: dict[str, Any] = {}
        self.disputes: dict[str, Any] = {}
        self.about: list[Notice] = []
        self.reported: list[Notice] = []
        self.lines: list[LedgerLine] = []

    def _answer(self, what: str, answer: Any) -> Any:
        self.asked.append(what)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def webhook(self, request: HttpRequest) -> Notice:
        if self.error is not None:
            raise self.error
        return self.notice

    def ask(self, attempt: Attempt) -> Outcome:
        answer: Outcome = self._answer("ask", self.outcome)
        return answer

    def ask_refund(self, refund: Refund) -> Outcome:
        answer: Outcome = self._answer("ask_refund", self.outcome)
        return answer

    def report_refund(self, reference: str) -> RefundReport | None:
        answer: RefundReport | None = self._answer(reference, self.refunds.get(reference))
        return answer

    def report_dispute(self, reference: str) -> DisputeReport | None:
        answer: DisputeReport | None = self._answer(reference, self.disputes.get(reference))
        return answer

    def news(self, attempt: Attempt) -> Iterable[Notice]:
        return self.about

    def events(self, since: dt.datetime) -> Iterable[Notice]:
        self._answer(f"events since {since:%H:%M}", self.error)
        return iter(self.reported)

    def ledger(self) -> Iterable[LedgerLine]:
        return self.lines


@pytest.fixture
def bank(settings: Settings) -> Bank:
    """Return the site's only moocher."""
    cache.clear()
    bank = Bank(identifier="bank", title="Bank")
    settings.PAYMENTS_UI = {"MOOCHERS": listed(bank)}
    settings.ADMINS = ADMINS
    return bank


@pytest.fixture
def charged(bank: Bank, user: User) -> Attempt:
    """Return an attempt of 12.00 that the PSP has charged as ``ch_1``."""
    attempt = started(pending(user, "12"), moocher="bank", account="acct")
    return attempt.record(money_of(attempt, psp_reference="ch_1"))


@pytest.fixture
def opened(bank: Bank, user: User) -> Attempt:
    """Return an attempt of 12.00 that waits for its PSP, which calls it ``ch_1``."""
    attempt = started(pending(user, "12"), moocher="bank", account="acct")
    return attempt.record(Pending(psp_reference="ch_1"))


def dispute(**facts: Any) -> DisputeReport:
    """Return a report of a lost dispute."""
    usual: dict[str, Any] = {
        "psp_reference": "dp_1",
        "charge_reference": "ch_1",
        "state": Dispute.State.LOST,
        "amount": Decimal(12),
        "currency": "CHF",
        "opened_at": timezone.now(),
        "withdrawn": Decimal(12),
    }
    return DisputeReport(**{**usual, **facts})


def refund(amount: str = "5", **facts: Any) -> RefundReport:
    """Return a report of a refund that was made in the dashboard."""
    given = Succeeded(psp_reference="re_1", amount=Decimal(amount), currency="CHF")
    usual: dict[str, Any] = {
        "psp_reference": "re_1",
        "charge_reference": "ch_1",
        "refund_id": None,
        "amount": Decimal(amount),
        "currency": "CHF",
        "outcome": given,
    }
    return RefundReport(**{**usual, **facts})


def post() -> int:
    """Post a webhook; return the status."""
    url = reverse("payments_ui:webhook", kwargs={"identifier": "bank"})
    return Client().post(url).status_code


# Disputes and refunds


def test_a_webhook_about_a_dispute_has_the_psp_asked_and_is_kept_with_what_it_names(
    bank: Bank, charged: Attempt
) -> None:
    bank.disputes["dp_1"] = dispute()
    bank.notice = Notice(event_id="evt", kind="charge.dispute.closed", dispute_reference="dp_1")
    assert [post(), post()] == [200, 200]
    assert charged.disputes.get().state == "lost"
    event = Event.objects.get()
    assert (event.state, event.attempt, event.psp_reference) == ("processed", charged, "ch_1")
    assert (event.kind, event.about) == ("charge.dispute.closed", {"dispute_reference": "dp_1"})
    assert bank.asked == ["dp_1"], "The same event again asks nothing"


def test_a_webhook_about_a_refund_from_the_dashboard_books_it(bank: Bank, charged: Attempt) -> None:
    bank.refunds["re_1"] = refund()
    bank.notice = Notice(event_id="evt", refund_reference="re_1")
    assert post() == 200
    assert charged.refunds.get().elsewhere
    assert charged.as_stored().refunded_amount == 5


def test_money_that_is_not_known_yet_is_booked_before_what_became_of_it(
    bank: Bank, opened: Attempt
) -> None:
    bank.outcome = money_of(opened, psp_reference="ch_1")
    bank.refunds["re_1"], bank.disputes["dp_1"] = refund(), dispute(withdrawn=Decimal(7))
    bank.notice = Notice(event_id="evt", refund_reference="re_1", dispute_reference="dp_1")
    assert post() == 200
    attempt = opened.as_stored()
    assert (attempt.state, attempt.refunded_amount, attempt.disputed_amount) == ("settled", 5, 7)
    assert list(audit()) == []


@pytest.mark.parametrize("kind", ["refund", "dispute"])
def test_what_is_about_another_sites_charge_is_kept_and_reviewed_by_nobody(
    bank: Bank, charged: Attempt, kind: str
) -> None:
    bank.refunds["re_1"] = refund(charge_reference="ch_strange")
    names = {"refund": Notice(event_id="evt", refund_reference="re_1")}
    bank.notice = names.get(kind, Notice(event_id="evt", dispute_reference="dp_gone"))
    assert post() == 200
    assert Event.objects.get().state == "unmatched"
    assert not SuspenseItem.objects.exists()


@pytest.mark.parametrize("answer", [TimeoutError(), "nonsense", dispute(amount=Decimal("NaN"))])
def test_without_a_clear_answer_the_psp_is_to_send_it_again(
    bank: Bank, charged: Attempt, answer: Any
) -> None:
    bank.disputes["dp_1"] = answer
    bank.notice = Notice(event_id="evt", dispute_reference="dp_1")
    assert post() == 503
    assert not Event.objects.exists()
    bank.disputes["dp_1"] = dispute()
    assert post() == 200
    assert charged.disputes.exists()


def test_a_refund_that_does_not_fit_is_reviewed_until_it_does(bank: Bank, charged: Attempt) -> None:
    bank.outcome = Pending(psp_reference="re_own")
    bank.refund = lambda refund: bank.outcome  # type: ignore[method-assign]
    own = charged.payment.refund(reason="broken")
    bank.refunds["re_1"] = refund("12")
    bank.notice = Notice(event_id="evt", refund_reference="re_1")
    assert post() == 200
    item = SuspenseItem.objects.get()
    assert (item.state, item.kind) == ("open", "unmatched")
    assert "re_1" in mail.outbox[-1].body
    assert reconcile().events_matched == 0
    own.record(Cancelled())
    assert reconcile().events_matched == 1
    assert charged.refunds.get(elsewhere=True).state == "succeeded"
    item.refresh_from_db()
    assert item.state == "closed"


def test_the_reconciler_asks_about_a_refund_of_the_dashboard_by_its_reference(
    bank: Bank, charged: Attempt
) -> None:
    bank.has_events = False
    waits = Pending(psp_reference="re_1")
    bank.refunds["re_1"] = refund(outcome=waits)
    bank.notice = Notice(event_id="evt", refund_reference="re_1")
    post()
    with triggers.disabled(events=["UPDATE"]):
        bare(Refund).update(requested_at=timezone.now() - dt.timedelta(minutes=2))
    bank.asked.clear()
    bank.refunds.clear()
    assert reconcile().still_open == 1, "Unknown to the PSP is no outcome of it"
    bank.refunds["re_1"] = refund()
    assert reconcile(everything=True).refunded == 1
    assert set(bank.asked) == {"re_1"}


# Warnings


def test_a_warning_is_journalled_and_told_once(bank: Bank, charged: Attempt) -> None:
    bank.notice = Notice(event_id="evt", psp_reference="ch_1", warning="made with a stolen card")
    assert [post(), post()] == [200, 200]
    entry = JournalEntry.objects.get(verb=Verb.FRAUD_WARNING)
    assert (entry.reason, entry.attempt_id) == ("made with a stolen card", charged.pk)
    assert ["warns of fraud" in message.subject for message in mail.outbox] == [True]


def test_a_warning_that_came_too_early_is_told_when_its_attempt_is_known(
    bank: Bank, opened: Attempt
) -> None:
    bare(Attempt).update(psp_reference=None)
    bank.notice = Notice(event_id="evt", psp_reference="ch_1", warning="made with a stolen card")
    post()
    assert journalled(Verb.FRAUD_WARNING) == 0
    bank.outcome = money_of(opened, psp_reference="ch_1")
    opened.record(bank.outcome)
    assert reconcile().events_matched == 1
    assert journalled(Verb.FRAUD_WARNING) == 1


# Without a signature


def unsigned(attempt: Attempt) -> Notice:
    return Notice(event_id="", attempt_id=attempt.pk, psp_reference="ch_1")


def test_an_unsigned_one_has_the_psp_asked_at_most_so_often_and_keeps_nothing(
    bank: Bank, opened: Attempt
) -> None:
    bank.notice = unsigned(opened)
    bank.outcome = money_of(opened, psp_reference="ch_1")
    assert [post(), post(), post()] == [200, 503, 503]
    assert bank.asked == ["ask"]
    assert opened.as_stored().state == "settled"
    assert not Event.objects.exists()


def test_an_unsigned_one_about_money_that_arrived_finds_refunds_and_disputes(
    bank: Bank, charged: Attempt
) -> None:
    bank.refunds["re_1"], bank.disputes["dp_1"] = refund(), dispute(withdrawn=Decimal(7))
    bank.about = [
        Notice(event_id="", attempt_id=charged.pk, refund_reference="re_1"),
        Notice(event_id="", attempt_id=charged.pk, dispute_reference="dp_1"),
    ]
    bank.notice = unsigned(charged)
    assert post() == 200
    attempt = charged.as_stored()
    assert (attempt.refunded_amount, attempt.disputed_amount) == (5, 7)


def test_an_unsigned_one_about_a_refund_that_does_not_fit_is_reviewed(
    bank: Bank, charged: Attempt
) -> None:
    bank.refunds["re_1"] = refund("13")
    bank.about = [Notice(event_id="", attempt_id=charged.pk, refund_reference="re_1")]
    bank.notice = unsigned(charged)
    assert post() == 200
    bare(Attempt).update(asked_at=None)
    assert post() == 200
    event = SuspenseItem.objects.get().event
    assert event is not None
    assert event.about["refund_reference"] == "re_1"
    assert "re_1" in mail.outbox[-1].body


def test_an_unsigned_one_about_nobody_asks_nobody(bank: Bank, charged: Attempt) -> None:
    for facts in ({}, {"attempt_id": uuid4()}, {"psp_reference": "ch_1"}):
        bank.notice = Notice(event_id="", **facts)
        assert post() == 200
    assert bank.asked == []
    assert not Event.objects.exists()


@pytest.mark.parametrize("is_signed", [True, False])
def test_what_is_about_payment_methods_goes_to_them(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, is_signed: bool
) -> None:
    passed: list[Notice] = []

    def handle(notice: Notice, _moocher: Moocher) -> bool:
        passed.append(notice)
        return True

    monkeypatch.setattr(payment_methods, "handle_notice", handle)
    if is_signed:
        bank.notice = Notice(event_id="evt", method_reference="pm_1")
    else:
        bank.notice = Notice(event_id="", setup_id=uuid4())
    assert post() == 200
    assert passed == [bank.notice]
    assert [event.state for event in Event.objects.all()] == ["processed"] * is_signed
    assert list(audit()) == []


# Without a secret


def test_without_a_secret_no_webhook_is_taken(
    bank: Bank, charged: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    bank.error = WebhookNotConfiguredError("WEBHOOK_SECRET is empty")
    assert post() == 503
    assert "cannot be verified" in caplog.text
    assert not Event.objects.exists()


# Handling again


def test_an_event_is_handled_again_as_it_came(bank: Bank, charged: Attempt) -> None:
    bank.disputes["dp_1"] = dispute()
    bank.notice = Notice(
        event_id="evt", attempt_id=charged.pk, refund_id=uuid4(), dispute_reference="dp_1"
    )
    post()
    bank.disputes["dp_1"] = dispute(state=Dispute.State.WON, reinstated=Decimal(12))
    assert notices.handle_again(Event.objects.get())
    assert charged.disputes.get().state == "won"


@pytest.mark.parametrize("why", ["not listed", "another account", "mute", "a bank's", "no answer"])
def test_what_cannot_be_handled_again_stays_as_it_is(
    bank: Bank, charged: Attempt, settings: Settings, why: str
) -> None:
    bank.notice = Notice(event_id="evt", dispute_reference="dp_1")
    post()
    event = Event.objects.get()
    if why == "not listed":
        settings.PAYMENTS_UI = {"MOOCHERS": []}
    elif why == "another account":
        bank.account = "moved"
    elif why == "mute":
        bank.can_ask = False
    elif why == "a bank's":
        event.amount = Decimal(5)
    else:
        bank.disputes["dp_1"] = TimeoutError()
    bank.asked.clear()
    assert not notices.handle_again(event)
    assert bank.asked == (["dp_1"] if why == "no answer" else [])


def redeliver(*args: str) -> str:
    out = StringIO()
    call_command("redeliver_events", *args, stdout=out)
    return out.getvalue().strip()


def test_the_command_handles_all_some_or_none(bank: Bank, charged: Attempt) -> None:
    for name, about in (("evt_1", "dp_1"), ("evt_2", "dp_strange")):
        bank.notice = Notice(event_id=name, dispute_reference=about)
        bank.disputes["dp_1"] = dispute()
        post()
    bank.asked.clear()
    assert redeliver() == "2 events, 1 handled."
    assert redeliver("evt_1") == "1 events, 1 handled."
    assert redeliver("--unmatched") == "1 events, 0 handled."
    assert redeliver("--moocher", "bank", "--days", "0") == "0 events, 0 handled."
    asked = len(bank.asked)
    assert redeliver("--dry-run") == "2 events, 0 handled."
    assert len(bank.asked) == asked
    with pytest.raises(CommandError, match="No moocher"):
        redeliver("--moocher", "gone")


def test_the_command_leaves_a_psp_alone_that_does_not_answer(bank: Bank, charged: Attempt) -> None:
    for number in range(7):
        bank.notice = Notice(event_id=f"evt_{number}", dispute_reference="dp_1")
        post()
    bank.asked.clear()
    bank.disputes["dp_1"] = TimeoutError()
    with pytest.raises(CommandError, match="bank does not answer"):
        redeliver()
    assert len(bank.asked) == 5


# Gaps


def test_what_no_webhook_brought_is_found(bank: Bank, charged: Attempt) -> None:
    bank.disputes["dp_1"] = dispute()
    bank.reported = [
        Notice(event_id="evt_1", psp_reference="ch_1"),
        Notice(event_id="evt_2", dispute_reference="dp_1"),
    ]
    assert reconcile(dry_run=True).events_found == 2
    assert not charged.disputes.exists()
    assert reconcile().events_found == 2
    assert charged.disputes.exists()
    assert Event.objects.count() == 2
    assert reconcile().events_found == 0, "Looked for once an hour"
    bank.reported.append(Notice(event_id="evt_3", psp_reference="ch_1"))
    assert reconcile(everything=True).events_found == 1
    assert reconcile(moocher="other").events_found == 0


def test_a_list_that_breaks_off_is_gone_through_at_once_again(bank: Bank, charged: Attempt) -> None:
    bank.error = TimeoutError()
    assert reconcile().errors == 1
    bank.error = None
    bank.reported = [Notice(event_id="evt_1", psp_reference="ch_1")]
    assert reconcile().events_found == 1


def test_one_that_cannot_be_handled_holds_up_no_other_and_is_kept(
    bank: Bank, charged: Attempt
) -> None:
    bank.disputes |= {"dp_1": TimeoutError(), "dp_2": dispute(psp_reference="dp_2")}
    bank.reported = [
        Notice(event_id="evt_1", psp_reference="ch_1", dispute_reference="dp_1"),
        Notice(event_id="evt_2", psp_reference="ch_1", dispute_reference="dp_2"),
    ]
    result = reconcile()
    assert (result.events_found, result.errors) == (2, 1)
    assert charged.disputes.get().psp_reference == "dp_2"
    # A PSP may list it no more by then: it is looked into again from what is kept.
    bank.disputes["dp_1"], bank.reported = dispute(), []
    assert reconcile().events_matched == 1
    assert charged.disputes.count() == 2


def test_a_psp_that_falls_silent_is_left_alone_and_nothing_it_reported_is_lost(
    bank: Bank, charged: Attempt
) -> None:
    names = [f"dp_{number}" for number in range(8)]
    bank.disputes = dict.fromkeys(names, TimeoutError())
    bank.reported = [
        Notice(event_id=f"evt_{name}", psp_reference="ch_1", dispute_reference=name)
        for name in names
    ]
    assert reconcile().not_answering == ["bank"]
    assert len(set(bank.asked) & set(names)) == 5
    assert Event.objects.count() == 8


def test_it_looks_back_to_the_newest_event_and_a_day_more(bank: Bank, charged: Attempt) -> None:
    now = timezone.now()
    list(missed_events.missed(bank))
    bare(Attempt).update(started_at=now - dt.timedelta(days=20))
    bank.notice = Notice(event_id="evt", psp_reference="ch_1")
    post()
    with triggers.disabled(events=["UPDATE"]):
        bare(Event).update(received_at=now - dt.timedelta(days=3))
    bank.asked.clear()
    list(missed_events.missed(bank))
    since = now - dt.timedelta(days=4)
    assert bank.asked == [f"events since {since:%H:%M}"]


def test_before_the_first_attempt_nothing_can_be_ours(bank: Bank) -> None:
    bank.reported = [Notice(event_id="evt_1", psp_reference="ch_1")]
    assert reconcile().events_found == 0
    assert bank.asked == []


# The PSP's books


@pytest.mark.parametrize(("says", "found"), [("12", []), ("0", ["psp_disputed"]), (None, [])])
def test_what_disputes_took_is_compared_with_the_psps_books(
    bank: Bank, charged: Attempt, says: str | None, found: list[str]
) -> None:
    charged.record_dispute(dispute())
    bank.lines = [
        LedgerLine(
            psp_reference="ch_1",
            reference=charged.idempotency_key,
            amount=Decimal(12),
            refunded=Decimal(0),
            currency="CHF",
            status=LedgerStatus.TAKEN,
            disputed=None if says is None else Decimal(says),
        )
    ]
    assert [finding.rule for finding in compare_ledgers.compare("bank", "default")] == found


# Signals


@pytest.mark.parametrize("which", ["opened", "closed", "refund"])
def test_where_a_process_dies_the_signal_is_sent_again(
    bank: Bank, charged: Attempt, which: str
) -> None:
    long_ago = timezone.now() - dt.timedelta(minutes=6)
    charged.record_dispute(dispute(withdrawn=Decimal(5)))
    charged.record_refund_report(refund())
    bank.has_events = False
    if which == "refund":
        bare(Refund).update(updated_at=long_ago)
    else:
        bare(Dispute).update(updated_at=long_ago)
    assert reconcile().signals_sent == 0
    unsent(which)
    assert reconcile().signals_sent == 1
    assert reconcile(moocher="bank").signals_sent == 0
    row = Refund.objects.get() if which == "refund" else Dispute.objects.get()
    assert getattr(row, "signal_sent_at" if which == "refund" else f"{which}_signal_sent_at")


def unsent(which: str) -> None:
    """Let the signal be unsent, as a process leaves it that dies before it could."""
    with triggers.disabled(events=["UPDATE"]):
        if which == "refund":
            bare(Refund).update(signal_sent_at=None)
        else:
            bare(Dispute).update(**{f"{which}_signal_sent_at": None})


# Which charge it is about


def test_a_refund_of_a_second_charge_is_of_that_money(bank: Bank, charged: Attempt) -> None:
    second = money_of(charged, psp_reference="ch_2")
    surplus = charged.payment.record_surplus("bank", second, by="bank", reason="charged twice")
    bank.refunds["re_1"] = refund("12", charge_reference="ch_2")
    bank.notice = Notice(event_id="evt", attempt_id=charged.pk, refund_reference="re_1")
    assert post() == 200
    assert surplus.as_stored().refunded_amount == 12
    assert charged.as_stored().refunded_amount == 0


def test_what_is_about_another_charge_than_its_attempt_is_reviewed(
    bank: Bank, charged: Attempt
) -> None:
    bank.refunds["re_1"] = refund(charge_reference="ch_strange")
    bank.disputes["dp_1"] = dispute(charge_reference="ch_strange")
    bank.notice = Notice(
        event_id="evt",
        attempt_id=charged.pk,
        refund_reference="re_1",
        dispute_reference="dp_1",
    )
    assert post() == 200
    attempt = charged.as_stored()
    assert (attempt.refunded_amount, attempt.disputed_amount) == (0, 0)
    assert SuspenseItem.objects.get().state == "open"
