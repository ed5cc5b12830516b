"""The contract of a moocher as tests: subclass it for yours, and run it with pytest-django.

    class TestMyMoocher(MoocherContract):
        data = {"card": "test-card-that-works"}

        @pytest.fixture
        def moocher(self, my_fake_psp):
            return MyMoocher(psp_url=my_fake_psp.url)

        def taken(self, attempt):
            return my_fake_psp.books.get(attempt.idempotency_key, 0)

        def outage(self):
            return my_fake_psp.unplugged()

Needs a PSP that keeps books of its own: a stateful fake, or the PSP's sandbox. A mock that
says what the test expects proves nothing about money.
"""

# ruff: noqa: D102, S101 - a test's name is its sentence, and assert is what tests do
from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import RequestFactory

from payments_ui.core.attempts import transitions
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

from .arrangement import Arrangement
from .ledgers import LedgerContract
from .refunds import RefundContract
from .watching import Page, again, answer_of, no_writes

_CARD_NUMBER = re.compile(r"(?<![0-9a-fA-F])[0-9]{13,19}(?![0-9a-fA-F])")


class MoocherContract(Arrangement):
    """Everything the kit relies on. Each test's name is the promise.

    A moocher that gives money back keeps the ``RefundContract`` besides, and one that lists its
    PSP's books the ``LedgerContract``.
    """

    def test_it_has_a_title_and_an_identifier_that_fits_into_a_url(self, moocher: Moocher) -> None:
        assert str(moocher.title)
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", moocher.identifier)

    def test_an_option_it_does_not_know_is_an_error(self, moocher: Moocher) -> None:
        with pytest.raises(TypeError):
            type(moocher)(**dict.fromkeys(["an_option_that_nobody_knows"], 1))

    def test_it_takes_the_payment_and_asks_nobody_to_tell(
        self, moocher: Moocher, payment: Payment, django_assert_num_queries: Any
    ) -> None:
        with self.unreachable(), django_assert_num_queries(0):
            assert moocher.refuse(payment) is None

    def test_it_refuses_a_currency_it_does_not_take(self, moocher: Moocher) -> None:
        stranger = Payment(amount=Decimal(12), currency="XAF")
        takes_it = moocher.currencies is None or "XAF" in moocher.currencies
        assert takes_it or moocher.refuse(stranger)

    def test_its_form_is_plain_and_is_shown_while_the_psp_is_away(
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

    def test_the_money_is_taken_and_fits(self, moocher: Moocher, attempt: Attempt) -> None:
        self.charge(moocher, attempt)
        self.finish(attempt)
        stored = transitions.record(attempt, moocher.ask(again(attempt)))
        if self.end is Succeeded:
            assert stored.state == Attempt.State.SETTLED
            assert self.taken(stored) == stored.amount
        else:
            assert stored.is_open

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
        answers = [moocher.ask(again(attempt)) for _time in range(3)]
        assert [type(answer) for answer in answers] == [self.end] * 3
        assert self.taken(attempt) == before

    def test_what_was_never_sent_is_not_said_to_be_paid(
        self, moocher: Moocher, attempt: Attempt
    ) -> None:
        answer = moocher.ask(attempt)
        never = isinstance(answer, Declined) and answer.code == DeclineCode.NEVER_HAPPENED
        assert never or isinstance(answer, Unknown | Pending)
        assert not self.taken(attempt)

    def test_cancelled_means_that_nothing_is_taken(
        self, moocher: Moocher, attempt: Attempt
    ) -> None:
        self.charge(moocher, attempt)
        answer = moocher.cancel(again(attempt))
        assert isinstance(answer, Cancelled | Succeeded | Pending | Unknown | ActionRequired)
        assert not (isinstance(answer, Cancelled) and self.taken(attempt))
        assert isinstance(answer, Succeeded) <= bool(self.taken(attempt))

    def test_a_psp_that_is_away_is_never_a_definite_answer(
        self, moocher: Moocher, attempt: Attempt
    ) -> None:
        outage = self.outage()
        if outage is None:
            pytest.skip("It asks nobody")
        with outage:
            for ask in (lambda: self.ask_for_money(moocher, attempt), lambda: moocher.ask(attempt)):
                assert isinstance(answer_of(ask), Unknown)
            assert isinstance(answer_of(lambda: moocher.cancel(attempt)), Unknown | Pending)

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff\x00", b'{"id": "evt_1"}'])
    def test_a_webhook_that_nobody_signed_is_refused(self, moocher: Moocher, body: bytes) -> None:
        request = RequestFactory().post("/", body, content_type="application/json")
        with pytest.raises(WebhookSignatureError), no_writes():
            moocher.webhook(request)

    def test_a_webhook_names_its_attempt(self, moocher: Moocher, attempt: Attempt) -> None:
        stored = self.charge(moocher, attempt)
        request = self.event(stored)
        if request is None:
            pytest.skip("It takes no webhooks")
        notice = moocher.webhook(request)
        assert notice.event_id
        assert notice.attempt_id == attempt.pk or notice.psp_reference == stored.psp_reference

    def test_a_webhook_that_was_changed_on_its_way_is_refused(
        self, moocher: Moocher, attempt: Attempt
    ) -> None:
        request = self.event(self.charge(moocher, attempt))
        if request is None:
            pytest.skip("It takes no webhooks")
        request._body = request.body + b" "
        with pytest.raises(WebhookSignatureError):
            moocher.webhook(request)

    def test_it_reports_and_never_writes(self, moocher: Moocher, attempt: Attempt) -> None:
        with no_writes():
            self.ask_for_money(moocher, attempt)
            moocher.ask(attempt)
            moocher.instructions(self.request(), attempt)
            moocher.cancel(attempt)

    def test_no_card_data_is_kept(self, moocher: Moocher, attempt: Attempt) -> None:
        stored = self.charge(moocher, attempt)
        kept = f"{stored.psp_reference} {stored.evidence} {stored.action_url}"
        assert not _CARD_NUMBER.search(kept)

    def test_its_instructions_bring_no_scripts(self, moocher: Moocher, attempt: Attempt) -> None:
        stored = self.charge(moocher, attempt)
        page = Page(moocher.instructions(self.request(), stored))
        assert not {"script", "style"} & set(page.tags)

    def test_a_moocher_gives_money_back_by_contract_or_says_that_it_cannot(
        self, moocher: Moocher
    ) -> None:
        assert moocher.can_refund == isinstance(self, RefundContract), "Keep the RefundContract"
        for hook in () if moocher.can_refund else (moocher.refund, moocher.ask_refund):
            with pytest.raises(NotImplementedError):
                hook(Refund())

    def test_a_moocher_lists_books_by_contract_or_says_that_it_cannot(
        self, moocher: Moocher
    ) -> None:
        assert moocher.has_ledger == isinstance(self, LedgerContract), "Keep the LedgerContract"
        for hook in () if moocher.has_ledger else (moocher.ledger,):
            with pytest.raises(NotImplementedError):
                list(hook())


__all__ = ["LedgerContract", "MoocherContract", "RefundContract"]
