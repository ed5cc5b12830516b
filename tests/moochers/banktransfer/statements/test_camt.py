"""camt.053 and camt.054, in versions 2, 4 and 8, with what banks make of them."""

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
from payments_ui.moochers.banktransfer.statements.transaction import with_ids

from .files import ACCOUNT, camt, details, entry

REFERENCE = "RF18539007547034"
VERSIONS = ["02", "04", "08"]


def read(data: bytes) -> list[Any]:
    return list(reading.read(data))


def ids(data: bytes) -> list[str]:
    return [event_id for event_id, _each in with_ids(read(data))]


@pytest.mark.parametrize("kind", ["053", "054"])
@pytest.mark.parametrize("version", VERSIONS)
def test_an_arrival_is_read_in_each_version(kind: str, version: str) -> None:
    part = details(version=version, structured=REFERENCE)
    (found,) = read(camt(entry(parts=[part], version=version), kind=kind, version=version))
    assert isinstance(found, Transaction)
    assert (found.amount, found.currency) == (Decimal("12.00"), "CHF")
    assert (found.account, found.booked_on) == (ACCOUNT, dt.date(2026, 11, 27))
    assert (found.payer, found.references) == ("Ada Lovelace", [REFERENCE])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_batch_is_split_into_its_transactions(version: str) -> None:
    parts = [details("5.00", version=version), details("7.00", version=version)]
    found = read(camt(entry(parts=parts, version=version, number=2), version=version))
    assert [each.amount for each in found] == [Decimal(5), Decimal(7)]


def test_a_batch_whose_parts_do_not_make_the_whole_is_one_arrival_without_a_reference() -> None:
    parts = [details("5.00", structured=REFERENCE), details("6.00")]
    (found,) = read(camt(entry(parts=parts)))
    assert (found.amount, found.references) == (Decimal(12), [])
    parts = [details("5.00"), details("7.00", currency="EUR")]
    assert len(read(camt(entry(parts=parts)))) == 1


def test_a_batch_without_its_transactions_waits_for_the_notification_that_has_them() -> None:
    (found,) = read(camt(entry(number=2)))
    assert isinstance(found, Skipped)
    assert "camt.054" in found.reason


def test_an_entry_without_details_is_an_arrival_whose_text_may_hold_a_reference() -> None:
    data = entry(number=1).replace("</Ntry>", f"<AddtlNtryInf>{REFERENCE}</AddtlNtryInf></Ntry>")
    (found,) = read(camt(data))
    assert found.references == [REFERENCE]


def test_one_transaction_may_leave_its_amount_to_the_entry() -> None:
    part = details(structured=REFERENCE).replace('<Amt Ccy="CHF">12.00</Amt>', "")
    (found,) = read(camt(entry(parts=[part])))
    assert found.amount == Decimal(12)
    assert read(camt(entry(parts=[part, part])))[0].references == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "DBIT"}, "left"),
        ({"status": "PDNG"}, "not booked"),
        ({"more": "<RvslInd>true</RvslInd>"}, "reversal"),
    ],
)
def test_what_is_no_arrival_is_skipped_and_said(changes: dict[str, str], reason: str) -> None:
    (found,) = read(camt(entry(**changes)))  # type: ignore[arg-type]
    assert isinstance(found, Skipped)
    assert reason in found.reason
    assert found.amount == Decimal(12)


def test_money_that_left_within_a_batch_is_skipped() -> None:
    left = details("5.00").replace("CRDT", "DBIT")
    skipped, arrived = read(camt(entry(parts=[left, details("7.00")])))
    assert isinstance(skipped, Skipped)
    assert arrived.amount == Decimal(7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RF18 5390 0754 7034 thank you", REFERENCE),
        ("invoice rf18539007547034", REFERENCE),
        ("21 00000 00003 13947 14300 09017", "210000000003139471430009017"),
        # Zeros in front are lost by some banks.
        ("3139471430009017000000", "000003139471430009017000000"),
    ],
)
def test_a_reference_is_found_in_a_text_as_banks_print_it(text: str, expected: str) -> None:
    (found,) = read(camt(entry(parts=[details(text=text)])))
    assert expected in found.references


def test_an_end_to_end_id_may_be_the_reference() -> None:
    (found,) = read(camt(entry(parts=[details(end_to_end=REFERENCE)])))
    assert found.references == [REFERENCE]


def test_an_arrival_has_the_same_id_in_whatever_file_it_comes() -> None:
    for version in VERSIONS:
        part = details(version=version, structured=REFERENCE, name="T1")
        one = entry(parts=[part], version=version)
        assert ids(camt(one, version=version)) == ids(camt(one, kind="054", version=version))


def test_transactions_of_a_batch_have_ids_of_their_own_also_where_they_are_equal() -> None:
    batch = camt(entry("24.00", [details(structured=REFERENCE)] * 2))
    assert len(set(ids(batch))) == 2
    assert ids(batch) == ids(batch)


def test_entries_without_the_banks_id_are_told_apart_by_what_they_say() -> None:
    found = ids(camt(entry(reference=""), entry("13.00", reference=""), entry(reference="")))
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    "data",
    [
        b"<",
        b"<html></html>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        camt(version="99"),
        camt(kind="052"),
        camt(entry("twelve")),
        camt(entry("NaN")),
        camt(entry("-12.00")),
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b"\x00",
        b"",
        b"x" * (reading.LONGEST + 1),
    ],
)
def test_what_is_no_statement_is_refused(data: bytes) -> None:
    with pytest.raises(StatementError):
        read(data)


def test_a_statement_without_entries_is_read() -> None:
    assert read(camt()) == []


def test_an_entry_without_a_date_or_an_amount_is_read_as_far_as_it_goes() -> None:
    data = entry().replace("<Dt>2026-11-27</Dt>", "<Dt>soon</Dt>")
    assert read(camt(data))[0].booked_on is None
    assert read(camt(entry().replace('<Amt Ccy="CHF">12.00</Amt>', "")))[0].amount == 0
