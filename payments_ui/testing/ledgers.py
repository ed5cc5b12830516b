"""The contract of a moocher that lists its PSP's books, besides the one that all keep."""

# ruff: noqa: D102, S101 - a test's name is its sentence, and assert is what tests do
from __future__ import annotations

from decimal import Decimal

import pytest

from payments_ui.core.models import Attempt
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.ledgers import LedgerStatus

from .arrangement import Arrangement


class LedgerContract(Arrangement):
    """What the audit relies on: mix it in beside ``MoocherContract``."""

    def test_it_says_that_it_has_books(self, moocher: Moocher) -> None:
        assert moocher.has_ledger

    def test_its_books_have_what_was_taken(self, moocher: Moocher, arrived: Attempt) -> None:
        line = self.line(moocher, arrived)
        assert line.reference in ("", arrived.idempotency_key)
        assert line.status == LedgerStatus.TAKEN
        assert (line.amount, line.currency) == (self.taken(arrived), arrived.currency)
        assert (type(line.amount), type(line.refunded)) == (Decimal, Decimal)
        assert not line.refunded

    def test_books_that_cannot_be_read_are_not_said_to_be_empty(
        self, moocher: Moocher, arrived: Attempt
    ) -> None:
        with self.unreachable(), pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is
            list(moocher.ledger())
