"""The contract of a moocher that lists its PSP's ledger, beside `MoocherContract`."""

# ruff: noqa: D102, S101 (a test's name is its sentence, and assert is what tests do)
from __future__ import annotations

from decimal import Decimal

import pytest

from payments_ui.core.models import Attempt
from payments_ui.moochers.base import LedgerStatus, Moocher

from .base import ContractBase


class LedgerContract(ContractBase):
    """What the audit relies on. A class inherits it beside `MoocherContract`."""

    def test_it_says_that_it_has_a_ledger(self, moocher: Moocher) -> None:
        assert moocher.has_ledger

    def test_its_ledger_has_what_was_taken(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        line = self.ledger_line(moocher, settled_attempt)
        assert line.reference in ("", settled_attempt.idempotency_key)
        assert line.status == LedgerStatus.TAKEN
        assert (line.amount, line.currency) == (
            self.taken(settled_attempt),
            settled_attempt.currency,
        )
        assert (type(line.amount), type(line.refunded)) == (Decimal, Decimal)
        assert not line.refunded

    def test_a_ledger_that_cannot_be_read_is_not_said_to_be_empty(
        self, moocher: Moocher, settled_attempt: Attempt
    ) -> None:
        with self.unreachable(), pytest.raises(Exception):  # noqa: B017, PT011 (any error)
            list(moocher.ledger())
