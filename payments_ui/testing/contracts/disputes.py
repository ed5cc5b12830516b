"""The contract of a moocher whose PSP reports disputes, beside `MoocherContract`.

class TestMyMoocher(MoocherContract, DisputeContract):
    def open_dispute(self, attempt):
        self.dispute = my_fake_psp.open_dispute(attempt.psp_reference)
        return self.dispute.id
"""

# ruff: noqa: D102, S101 (a test's name is its sentence, and assert is what tests do)
from __future__ import annotations

import pytest

from payments_ui.core.disputes.report import DisputeReport
from payments_ui.core.disputes.states import OPEN_STATES, DisputeState
from payments_ui.core.models import Attempt
from payments_ui.moochers.base import Moocher

from .base import ContractBase
from .probes import no_writes


class DisputeContract(ContractBase):
    """What the kit relies on when a bank takes money back. Inherited beside `MoocherContract`."""

    def open_dispute(self, attempt: Attempt) -> str:
        """Let the customer's bank take this charge back. Override it.

        Returns what a notice names in ``dispute_reference``.
        """
        raise NotImplementedError

    def lose(self) -> None:
        """Let the bank decide for the customer. By default it has, when it opens a dispute."""

    def win(self) -> None:
        """Let the bank decide for the site: the money is put back. Override it."""
        raise NotImplementedError

    def reported(self, moocher: Moocher, reference: str) -> DisputeReport:
        """What the moocher says of the dispute that was opened."""
        report = moocher.report_dispute(reference)
        assert report is not None
        return report

    def test_a_dispute_is_about_the_charge_and_says_what_was_taken(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        reference = self.open_dispute(settled_attempt)
        report = self.reported(moocher, reference)
        assert report.charge_reference == settled_attempt.psp_reference
        assert (report.amount, report.currency) == (
            settled_attempt.amount,
            settled_attempt.currency,
        )
        assert report.state in {*OPEN_STATES, DisputeState.LOST}
        assert report.withdrawn == settled_attempt.amount
        assert not report.reinstated

    def test_a_lost_dispute_has_taken_the_money(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        reference = self.open_dispute(settled_attempt)
        self.lose()
        dispute = settled_attempt.record_dispute(self.reported(moocher, reference))
        assert dispute.state == DisputeState.LOST.value
        assert dispute.taken == settled_attempt.amount
        assert not settled_attempt.as_stored().refundable_amount

    def test_a_won_dispute_has_put_it_back(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        reference = self.open_dispute(settled_attempt)
        settled_attempt.record_dispute(self.reported(moocher, reference))
        self.win()
        dispute = settled_attempt.record_dispute(self.reported(moocher, reference))
        assert dispute.state == DisputeState.WON.value
        assert not dispute.taken
        assert settled_attempt.as_stored().refundable_amount == settled_attempt.amount

    def test_asking_about_a_dispute_answers_the_same_and_never_writes(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        reference = self.open_dispute(settled_attempt)
        with no_writes():
            reports = [self.reported(moocher, reference) for _time in range(2)]
        assert reports[0] == reports[1]

    def test_a_dispute_that_the_psp_does_not_have_is_none(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        reference = self.open_dispute(settled_attempt)
        assert moocher.report_dispute(f"{reference[:-4]}none") is None

    def test_an_outage_is_not_said_to_be_no_dispute(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        reference = self.open_dispute(settled_attempt)
        with self.unreachable(), pytest.raises(Exception):  # noqa: B017, PT011 (any error)
            moocher.report_dispute(reference)

    def test_its_ledger_if_any_has_what_was_taken_by_disputes(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        self.open_dispute(settled_attempt)
        may_be_said = (None, settled_attempt.amount)
        assert (
            not moocher.has_ledger
            or self.ledger_line(moocher, settled_attempt).disputed in may_be_said
        )
