"""Mollie's payments, as the audit reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from payments_ui.core.models import Attempt
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.base import LedgerStatus
from payments_ui.moochers.mollie import MollieMoocher, ledger
from payments_ui.testing.psp import SandboxPSP

from .conftest import URLS, new_moocher, pay, saved_method


class Listing:
    """A client that lists payments."""

    def __init__(self, *payments: Mapping[str, Any]) -> None:
        self._payments = payments

    def payments(self) -> Iterator[Mapping[str, Any]]:
        return iter(self._payments)


PAYMENT = {
    "id": "tr_1",
    "status": "paid",
    "amount": {"currency": "CHF", "value": "12.00"},
    "metadata": {"key": "k", "moocher": "mollie"},
}


def lines(*payments: Mapping[str, Any]) -> list[Any]:
    return list(ledger.lines(Listing(*payments), moocher="mollie"))  # type: ignore[arg-type]


def test_a_line_says_what_was_taken_and_given_back(
    moocher: MollieMoocher, paid: Attempt, psp: SandboxPSP
) -> None:
    (line,) = moocher.ledger()
    assert (line.psp_reference, line.reference) == (paid.psp_reference, paid.idempotency_key)
    assert (line.amount, line.refunded) == (Decimal(12), Decimal(0))
    assert line.status == LedgerStatus.TAKEN


def test_open_and_failed_payments_are_told_apart() -> None:
    found = lines(*({**PAYMENT, "status": status} for status in ("open", "pending", "expired")))
    assert [line.status for line in found] == ["open", "open", "failed"]


def test_payments_of_nobody_here_are_listed_those_of_another_moocher_are_not(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt
) -> None:
    pay(moocher, attempt)
    assert not list(new_moocher(psp, identifier="twint").ledger())
    assert [line.reference for line in lines({**PAYMENT, "metadata": "42"})] == [""]


def test_payments_that_save_a_card_take_nothing(moocher: MollieMoocher, user: Any) -> None:
    method = saved_method(moocher.create_customer(user, key="1"))
    moocher.save(method, data={}, urls=URLS)
    assert not list(moocher.ledger())


def test_a_line_that_cannot_be_read_is_not_left_out() -> None:
    with pytest.raises(MoocherError, match="unknown status"):
        lines(PAYMENT, {**PAYMENT, "status": "resting"})
    with pytest.raises(MoocherError):
        lines({**PAYMENT, "amount": None})
