"""The contract of a moocher that refunds, beside `MoocherContract`.

class TestMyMoocher(MoocherContract, RefundContract):
    def refunded(self, refund):
        return my_fake_psp.refunds.get(refund.idempotency_key, 0)
"""

# ruff: noqa: D102, S101 (a test's name is its sentence, and assert is what tests do)
from __future__ import annotations

from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import pytest

from payments_ui import money
from payments_ui.core.attempts.outcomes import (
    CameBack,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from payments_ui.core.models import Attempt, Refund
from payments_ui.moochers.base import Moocher

from .base import ContractBase
from .probes import no_writes, outcome_of, requested_refund


class RefundContract(ContractBase):
    """What the kit relies on when it refunds. A class inherits it beside `MoocherContract`."""

    def refunded(self, refund: Refund) -> Decimal:
        """What the PSP's ledger says was paid back for this refund. Override it."""
        raise NotImplementedError

    def lost_reply(self) -> AbstractContextManager[Any] | None:
        """Let the PSP execute the next call and lose its reply. By default None: not possible."""
        return None

    def refund_elsewhere(self, attempt: Attempt, amount: Decimal) -> str | None:
        """Give so much of a charge back at the PSP, as in its dashboard.

        Returns what a notice names in ``refund_reference``. By default None: not possible.
        """
        return None

    def fail_later(self, refund: Refund) -> bool:
        """Let a refund that had succeeded come back. By default False: not possible."""
        return False

    @pytest.fixture
    def refund(self, moocher: Moocher, settled_attempt: Attempt) -> Refund:
        """A refund of a part of the charge, stored, and that the PSP does not know yet."""
        part = money.round_amount(settled_attempt.amount / 3, settled_attempt.currency)
        return requested_refund(settled_attempt, part)

    def assert_agreed(self, outcome: Outcome, refund: Refund) -> None:
        """The PSP's ledger and the outcome agree; about a pending refund it may say either."""
        expected = [refund.amount] if isinstance(outcome, Succeeded) else [0, refund.amount]
        assert self.refunded(refund) in expected

    def test_it_says_that_it_can_refund(self, moocher: Moocher) -> None:
        assert moocher.can_refund

    def test_it_refunds_what_was_asked_for(self, moocher: Moocher, refund: Refund) -> None:
        outcome = moocher.refund(refund)
        assert isinstance(outcome, Succeeded | Pending)
        assert outcome.psp_reference
        if isinstance(outcome, Succeeded):  # pragma: no branch - others wait, and say no amount
            assert (outcome.amount, outcome.currency) == (refund.amount, refund.currency)
        self.assert_agreed(outcome, refund)

    def test_the_same_refund_is_paid_once(self, moocher: Moocher, refund: Refund) -> None:
        outcomes = [moocher.refund(refund) for _time in range(2)]
        assert outcomes[0] == outcomes[1]
        self.assert_agreed(outcomes[0], refund)

    def test_two_refunds_are_two(self, moocher: Moocher, refund: Refund) -> None:
        moocher.refund(refund)
        other = Refund(
            payment=refund.payment,
            attempt=refund.attempt,
            amount=refund.amount,
            currency=refund.currency,
            idempotency_key=f"{refund.idempotency_key}-2",
        )
        outcome = outcome_of(lambda: moocher.refund(other))
        assert isinstance(outcome, Succeeded | Pending)
        self.assert_agreed(outcome, other)

    def test_more_than_arrived_is_not_refunded(
        self, moocher: Moocher, refund: Refund, settled_attempt: Attempt
    ) -> None:
        refund.amount = settled_attempt.amount + 1
        assert isinstance(outcome_of(lambda: moocher.refund(refund)), Declined | Unknown)
        assert not self.refunded(refund)

    def test_asking_about_a_refund_moves_no_money_and_answers_the_same(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        first = moocher.refund(refund)
        before = self.refunded(refund)
        outcomes = [moocher.ask_refund(refund) for _time in range(3)]
        assert [type(outcome) for outcome in outcomes] == [type(first)] * 3
        assert self.refunded(refund) == before

    def test_a_refund_that_was_never_sent_is_not_said_to_be_paid(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        outcome = moocher.ask_refund(refund)
        never = isinstance(outcome, Declined) and outcome.code == DeclineCode.NEVER_HAPPENED
        assert never or isinstance(outcome, Unknown)
        assert not self.refunded(refund)

    def test_an_outage_gives_no_definite_outcome_of_a_refund(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        with self.unreachable():
            assert isinstance(outcome_of(lambda: moocher.refund(refund)), Unknown)
            assert isinstance(outcome_of(lambda: moocher.ask_refund(refund)), Unknown)
        assert not self.refunded(refund)

    def test_a_refund_whose_reply_is_lost_is_unknown_and_found_by_asking(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        lost = self.lost_reply()
        if lost is None:
            pytest.skip("A lost reply cannot be arranged")
        with lost:
            assert isinstance(outcome_of(lambda: moocher.refund(refund)), Unknown)
        outcome = moocher.ask_refund(refund)
        assert isinstance(outcome, Succeeded | Pending)
        self.assert_agreed(outcome, refund)

    def test_it_reports_refunds_and_never_writes(self, moocher: Moocher, refund: Refund) -> None:
        with no_writes():
            moocher.refund(refund)
            moocher.ask_refund(refund)

    def test_its_ledger_if_any_has_what_was_refunded(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        succeeded = isinstance(moocher.refund(refund), Succeeded)
        if moocher.has_ledger:
            expected = refund.amount if succeeded else 0
            assert self.ledger_line(moocher, refund.attempt).refunded == expected

    def test_a_refund_that_was_made_elsewhere_is_reported_whole(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        part = money.round_amount(settled_attempt.amount / 3, settled_attempt.currency)
        reference = self.refund_elsewhere(settled_attempt, part)
        if reference is None:
            pytest.skip("No refund can be made elsewhere")
        with no_writes():
            report = moocher.report_refund(reference)
        assert report is not None
        assert report.charge_reference == settled_attempt.psp_reference
        assert (report.amount, report.currency) == (part, settled_attempt.currency)
        assert report.refund_id is None
        booked = settled_attempt.record_refund_report(report)
        assert booked is not None
        assert booked.elsewhere
        assert moocher.report_refund(f"{reference[:-4]}none") is None

    def test_a_refund_that_fails_after_it_has_succeeded_comes_back(
        self, moocher: Moocher, refund: Refund
    ) -> None:
        sent = refund.record(moocher.refund(refund))
        if not self.fail_later(sent):
            pytest.skip("No refund can come back")
        assert isinstance(moocher.ask_refund(sent), CameBack)
        assert sent.record(moocher.ask_refund(sent)).state == Refund.State.CAME_BACK
