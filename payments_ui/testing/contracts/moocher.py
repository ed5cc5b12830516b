"""The contract that every moocher keeps."""

# ruff: noqa: D102, S101 (a test's name is its sentence, and assert is what tests do)
from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Pending,
    Succeeded,
    Unknown,
)
from payments_ui.core.models import Attempt, Payment, Refund
from payments_ui.exceptions import WebhookSignatureError
from payments_ui.moochers.base import Moocher

from .base import ContractBase
from .disputes import DisputeContract
from .events import EventContract
from .ledger import LedgerContract
from .probes import Page, no_writes, outcome_of, stored
from .refunds import RefundContract

_CARD_NUMBER = re.compile(r"(?<![0-9a-fA-F])[0-9]{13,19}(?![0-9a-fA-F])")


class MoocherContract(ContractBase):
    """What the kit relies on. The name of each test is the promise.

    A moocher that refunds keeps the `RefundContract`, too, one that lists its PSP's ledger the
    `LedgerContract`, one that lists its events the `EventContract`, and one that reports disputes
    the `DisputeContract`.
    """

    def test_it_has_a_title_and_an_identifier_that_fits_into_a_url(self, moocher: Moocher) -> None:
        assert str(moocher.title)
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", moocher.identifier)

    def test_an_unknown_option_is_an_error(self, moocher: Moocher) -> None:
        with pytest.raises(TypeError):
            type(moocher)(**dict.fromkeys(["an_unknown_option"], 1))

    def test_it_takes_the_payment_and_needs_no_query_to_say_so(
        self, moocher: Moocher, payment: Payment, django_assert_num_queries: Any
    ) -> None:
        with self.unreachable(), django_assert_num_queries(0):
            assert moocher.refuse(payment) is None

    def test_it_refuses_a_currency_it_does_not_take(self, moocher: Moocher) -> None:
        payment = Payment(amount=Decimal(12), currency="XAF")
        takes_it = moocher.currencies is None or "XAF" in moocher.currencies
        assert takes_it or moocher.refuse(payment)

    def test_what_calling_off_means_is_a_sentence_and_needs_no_query(
        self, moocher: Moocher, attempt: Attempt, django_assert_num_queries: Any
    ) -> None:
        with self.unreachable(), django_assert_num_queries(0):
            assert isinstance(moocher.calling_off(attempt), str)

    def test_its_form_is_plain_and_is_shown_during_an_outage(
        self, moocher: Moocher, payment: Payment
    ) -> None:
        with self.unreachable(), no_writes():
            page = Page(moocher.payment_form(self.request(), payment))
        assert page.actions == [moocher.pay_url(payment)]
        assert "button" in page.tags
        assert not {"script", "style", "iframe"} & set(page.tags)
        assert not [name for name in page.attributes if name.startswith(("on", "style", "hx-"))]

    def test_its_form_asks_for_no_card_data(self, moocher: Moocher, payment: Payment) -> None:
        html = moocher.payment_form(self.request(), payment).lower()
        assert not re.search(r"cc-number|cc-csc|cardnumber|card_number|cvc|cvv", html)

    def test_the_money_is_taken_and_recorded(self, moocher: Moocher, attempt: Attempt) -> None:
        self.charge(moocher, attempt)
        self.finish(attempt)
        recorded = attempt.record(moocher.ask(stored(attempt)))
        if self.final_outcome is Succeeded:
            assert recorded.state == Attempt.State.SETTLED
            assert self.taken(recorded) == recorded.amount
        else:
            assert recorded.is_open

    def test_the_same_attempt_takes_the_money_once(
        self, moocher: Moocher, attempt: Attempt
    ) -> None:
        for _post in range(2):
            self.charge(moocher, attempt)
        self.finish(attempt)
        assert self.taken(attempt) in (0, attempt.amount)

    def test_asking_moves_no_money_and_answers_the_same(
        self, moocher: Moocher, attempt: Attempt
    ) -> None:
        self.charge(moocher, attempt)
        self.finish(attempt)
        before = self.taken(attempt)
        outcomes = [moocher.ask(stored(attempt)) for _time in range(3)]
        assert [type(outcome) for outcome in outcomes] == [self.final_outcome] * 3
        assert self.taken(attempt) == before

    def test_an_attempt_that_was_never_sent_is_not_said_to_be_paid(
        self, moocher: Moocher, attempt: Attempt
    ) -> None:
        outcome = moocher.ask(attempt)
        never = isinstance(outcome, Declined) and outcome.code == DeclineCode.NEVER_HAPPENED
        assert never or isinstance(outcome, Unknown | Pending)
        assert not self.taken(attempt)

    def test_cancelled_means_that_nothing_is_taken(
        self, moocher: Moocher, attempt: Attempt
    ) -> None:
        self.charge(moocher, attempt)
        outcome = moocher.cancel(stored(attempt))
        assert isinstance(outcome, Cancelled | Succeeded | Pending | Unknown | ActionRequired)
        assert not (isinstance(outcome, Cancelled) and self.taken(attempt))
        assert isinstance(outcome, Succeeded) <= bool(self.taken(attempt))

    def test_an_outage_is_never_a_definite_outcome(
        self, moocher: Moocher, attempt: Attempt
    ) -> None:
        outage = self.outage()
        if outage is None:
            pytest.skip("It calls no PSP")
        with outage:
            assert isinstance(outcome_of(lambda: self.ask_to_charge(moocher, attempt)), Unknown)
            assert isinstance(outcome_of(lambda: moocher.ask(attempt)), Unknown)
            assert isinstance(outcome_of(lambda: moocher.cancel(attempt)), Unknown | Pending)

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff\x00", b'{"id": "evt_1"}'])
    def test_a_webhook_without_a_valid_signature_is_refused(
        self, moocher: Moocher, body: bytes
    ) -> None:
        request = RequestFactory().post("/", body, content_type="application/json")
        with pytest.raises(WebhookSignatureError), no_writes():
            moocher.webhook(request)

    def test_a_webhook_names_its_attempt(self, moocher: Moocher, attempt: Attempt) -> None:
        charged = self.charge(moocher, attempt)
        request = self.webhook_request(charged)
        if request is None:
            pytest.skip("It takes no webhooks")
        notice = moocher.webhook(request)
        assert bool(notice.event_id) == self.signs_webhooks
        if not self.signs_webhooks:
            assert notice.attempt_id == attempt.pk, "The URL names it: a reference may be made up"
        assert notice.attempt_id == attempt.pk or notice.psp_reference == charged.psp_reference

    def test_a_webhook_that_was_changed_on_its_way_is_refused(
        self, moocher: Moocher, attempt: Attempt
    ) -> None:
        request = self.webhook_request(self.charge(moocher, attempt))
        if request is None or not self.signs_webhooks:
            pytest.skip("It takes no webhooks, or none that are signed")
        request._body = request.body + b" "
        with pytest.raises(WebhookSignatureError):
            moocher.webhook(request)

    def test_it_reports_and_never_writes(self, moocher: Moocher, attempt: Attempt) -> None:
        with no_writes():
            self.ask_to_charge(moocher, attempt)
            moocher.ask(attempt)
            moocher.instructions(self.request(), attempt)
            moocher.cancel(attempt)

    def test_no_card_data_is_kept(self, moocher: Moocher, attempt: Attempt) -> None:
        charged = self.charge(moocher, attempt)
        kept = f"{charged.psp_reference} {charged.evidence} {charged.action_url}"
        assert not _CARD_NUMBER.search(kept)

    def test_its_instructions_have_no_scripts(self, moocher: Moocher, attempt: Attempt) -> None:
        charged = self.charge(moocher, attempt)
        page = Page(moocher.instructions(self.request(), charged))
        assert not {"script", "style"} & set(page.tags)

    def test_a_moocher_refunds_by_contract_or_says_that_it_cannot(self, moocher: Moocher) -> None:
        assert moocher.can_refund == isinstance(self, RefundContract), "Keep the RefundContract"
        for hook in () if moocher.can_refund else (moocher.refund, moocher.ask_refund):
            with pytest.raises(NotImplementedError):
                hook(Refund())

    def test_a_moocher_lists_its_ledger_by_contract_or_says_that_it_cannot(
        self, moocher: Moocher
    ) -> None:
        assert moocher.has_ledger == isinstance(self, LedgerContract), "Keep the LedgerContract"
        for hook in () if moocher.has_ledger else (moocher.ledger,):
            with pytest.raises(NotImplementedError):
                list(hook())

    def test_a_moocher_lists_its_events_by_contract_or_says_that_it_cannot(
        self, moocher: Moocher
    ) -> None:
        assert moocher.has_events == isinstance(self, EventContract), "Keep the EventContract"
        for hook in () if moocher.has_events else (moocher.events,):
            with pytest.raises(NotImplementedError):
                list(hook(timezone.now()))

    def test_a_moocher_reports_disputes_by_contract_or_not_at_all(self, moocher: Moocher) -> None:
        reports = type(moocher).report_dispute is not Moocher.report_dispute
        assert reports == isinstance(self, DisputeContract), "Keep the DisputeContract"
