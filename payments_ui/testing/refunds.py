"""The contract of a moocher that gives money back, besides the one that all keep.

class TestMyMoocher(MoocherContract, RefundContract):
    def returned(self, refund):
        return my_fake_psp.refunds.get(refund.idempotency_key, 0)
"""

# ruff: noqa: D102, S101 - a test's name is its sentence, and assert is what tests do
from __future__ import annotations

from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import pytest

from payments_ui import money
from payments_ui.core.attempts.outcomes import (
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from payments_ui.core.models import Attempt, Refund
from payments_ui.moochers.base import Moocher

from .arrangement import Arrangement
from .watching import answer_of, no_writes, requested


class RefundContract(Arrangement):
    """What the kit relies on when it gives money back: mix it in beside ``MoocherContract``."""

    def returned(self, refund: Refund) -> Decimal:
        """What the PSP's books say was given back for this refund. To be overridden."""
        raise NotImplementedError

    def lost_reply(self) -> AbstractContextManager[Any] | None:
        """The PSP does what it is asked next, and its reply is lost; ``None``: cannot be had."""
        return None

    @pytest.fixture
    def refund(self, moocher: Moocher, arrived: Attempt) -> Refund:
        """A refund of a part, written down, and of which the PSP knows nothing yet."""
        part = money.round_amount(arrived.amount / 3, arrived.currency)
        return requested(arrived, part)

    def agree(self, answer: Outcome, refund: Refund) -> None:
        """The PSP's books say what the moocher says; of what is on its way they may say either."""
        given_back = [refund.amount] if isinstance(answer, Succeeded) else [0, refund.amount]
        assert self.returned(refund) in given_back

    def test_it_says_that_it_can(self, moocher: Moocher) -> None:
        assert moocher.can_refund

    def test_it_gives_back_what_was_asked_for(self, moocher: Moocher, refund: Refund) -> None:
        answer = moocher.refund(refund)
        assert isinstance(answer, Succeeded | Pending)
        assert answer.psp_reference
        said = (answer.amount, answer.currency) if isinstance(answer, Succeeded) else None
        assert said in (None, (refund.amount, refund.currency))
        self.agree(answer, refund)

    def test_the_same_refund_gives_back_once(self, moocher: Moocher, refund: Refund) -> None:
        answers = [moocher.refund(refund) for _time in range(2)]
        assert answers[0] == answers[1]
        self.agree(answers[0], refund)

    def test_two_refunds_are_two(self, moocher: Moocher, refund: Refund) -> None:
        moocher.refund(refund)
        other = Refund(
            payment=refund.payment,
            attempt=refund.attempt,
            amount=refund.amount,
            currency=refund.currency,
            idempotency_key=f"{refund.idempotency_key}-2",
        )
        answer = answer_of(lambda: moocher.refund(other))
        assert isinstance(answer, Succeeded | Pending)
        self.agree(answer, other)

    def test_more_than_arrived_is_not_given_back(
        self, moocher: Moocher, refund: Refund, arrived: Attempt
    ) -> None:
        refund.amount = arrived.amount + 1
        assert isinstance(answer_of(lambda: moocher.refund(refund)), Declined | Unknown)
        assert not self.returned(refund)

    def test_asking_about_a_refund_moves_no_money_and_answers_the_same(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        said = moocher.refund(refund)
        before = self.returned(refund)
        answers = [moocher.ask_refund(refund) for _time in range(3)]
        assert [type(answer) for answer in answers] == [type(said)] * 3
        assert self.returned(refund) == before

    def test_a_refund_that_was_never_sent_is_not_said_to_be_given_back(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        answer = moocher.ask_refund(refund)
        never = isinstance(answer, Declined) and answer.code == DeclineCode.NEVER_HAPPENED
        assert never or isinstance(answer, Unknown)
        assert not self.returned(refund)

    def test_a_psp_that_is_away_gives_no_definite_answer_about_a_refund(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        with self.unreachable():
            for ask in (moocher.refund, moocher.ask_refund):
                assert isinstance(answer_of(lambda ask=ask: ask(refund)), Unknown)  # type: ignore[misc]
        assert not self.returned(refund)

    def test_a_refund_whose_reply_is_lost_is_unknown_and_found_by_asking(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        lost = self.lost_reply()
        if lost is None:
            pytest.skip("No reply can be lost")
        with lost:
            assert isinstance(answer_of(lambda: moocher.refund(refund)), Unknown)
        answer = moocher.ask_refund(refund)
        assert isinstance(answer, Succeeded | Pending)
        self.agree(answer, refund)

    def test_it_reports_refunds_and_never_writes(self, moocher: Moocher, refund: Refund) -> None:
        with no_writes():
            moocher.refund(refund)
            moocher.ask_refund(refund)

    def test_what_was_given_back_is_in_its_books_if_it_lists_them(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        given_back = isinstance(moocher.refund(refund), Succeeded)
        if moocher.has_ledger:
            expected = refund.amount if given_back else 0
            assert self.line(moocher, refund.attempt).refunded == expected
