"""MT940, with what banks make of it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from payments_ui.exceptions import StatementError
from payments_ui.moochers.banktransfer.statements import (
    Skipped,
    Transaction,
    reading,
)

from .files import ACCOUNT, mt940

REFERENCE = "RF18539007547034"
CREDIT = ":61:2611271127CR12,00NTRFNONREF//BANK123"


def read(*lines: str) -> list[Any]:
    return list(reading.read(mt940(*lines)))


def test_an_arrival_is_read() -> None:
    (found,) = read(CREDIT, f":86:166?00GUTSCHRIFT?20SVWZ+{REFERENCE}?32ADA LOVELACE")
    assert isinstance(found, Transaction)
    assert (found.amount, found.currency, found.entry) == (Decimal("12.00"), "CHF", "BANK123")
    assert (found.account, found.booked_on) == (ACCOUNT, dt.date(2026, 11, 27))
    assert (found.payer, found.references) == ("ADA LOVELACE", [REFERENCE])


def test_a_reference_that_is_wrapped_is_found() -> None:
    (found,) = read(CREDIT, ":86:payment of my bill, RF18 5390", "0754 7034")
    assert REFERENCE in found.references


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (":61:2611271127DR5,00NMSCNONREF//BANK124", "left"),
        (":61:2611271127RC5,00NMSCNONREF//BANK125", "reversal"),
    ],
)
def test_what_is_no_arrival_is_skipped_and_said(line: str, reason: str) -> None:
    (found,) = read(line, ":86:fees")
    assert isinstance(found, Skipped)
    assert reason in found.reason
    assert found.amount == Decimal(5)


def test_old_letters_are_read() -> None:
    (found,) = read(CREDIT, ":86:166?00GUTSCHRIFT?20SVWZ+X?32JÖRG MÜLLER")
    assert found.payer == "JÖRG MÜLLER"


@pytest.mark.parametrize("text", ["", "Dear Sir", ":20:X\n"])
def test_what_names_no_account_is_refused(text: str) -> None:
    with pytest.raises(StatementError):
        list(reading.read(text.encode()))


def test_what_the_library_cannot_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr("mt940.parse", fail)
    with pytest.raises(StatementError, match="RuntimeError"):
        read(CREDIT)
