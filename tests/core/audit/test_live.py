"""The auditor is right while customers pay: each look is one statement and sees one moment."""

from __future__ import annotations

import pytest

from payments_ui.core.attempts.outcomes import Cancelled
from payments_ui.core.audit import Finding, audit
from tests.conftest import UserFactory
from tests.core.support import charged, errors, pending, started, together

ROUNDS = 5


@pytest.mark.django_db(transaction=True)
def test_books_that_change_meanwhile_are_right(make_user: UserFactory) -> None:
    owners = [make_user() for _ in range(2)]

    def work(number: int) -> list[Finding]:
        if number == len(owners):
            return [finding for _ in range(ROUNDS) for finding in audit()]
        for _ in range(ROUNDS):
            charged(owners[number], "10.00", "0.00405").undo(force=True, reason="again")
            attempt = started(pending(owners[number]))
            attempt.record(Cancelled())
            attempt.payment.cancel_pending()
        return []

    results = together(len(owners) + 1, work)
    assert errors(results) == []
    assert results == [[], [], []]
