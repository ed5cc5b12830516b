"""What PSPs answer is read strictly, the same way for all of them."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from payments_ui.exceptions import MoocherError
from payments_ui.moochers import answers

ID = re.compile(r"tr_[0-9]+")
ODD: list[Any] = [None, 1, True, [], {}, "x\n"]


def test_a_text_or_a_part_that_is_not_there_is_empty() -> None:
    found = {"name": "Ada", "card": {"brand": "visa"}}
    assert (answers.text(found, "name"), answers.text(found, "card")) == ("Ada", "")
    assert answers.part(found, "card") == {"brand": "visa"}
    assert answers.part(found, "name") == answers.part(found, "more") == {}


@pytest.mark.parametrize("value", [*ODD, [1], [{}, None]])
def test_what_is_no_list_of_objects_is_no_answer(value: Any) -> None:
    if value == []:
        assert answers.parts({"refunds": value}, "refunds") == []
        return
    with pytest.raises(MoocherError, match="no list of refunds"):
        answers.parts({"refunds": value}, "refunds")


def test_a_list_of_objects_is_returned() -> None:
    assert answers.parts({"refunds": [{"id": 1}]}, "refunds") == [{"id": 1}]


@pytest.mark.parametrize("value", [*ODD, "tr_1/..", "", "x" * 100])
def test_what_is_no_id_is_no_part_of_an_address(value: Any) -> None:
    assert answers.matching(ID, "tr_1") == "tr_1"
    with pytest.raises(MoocherError) as error:
        answers.matching(ID, value)
    assert len(str(error.value)) < 100


@pytest.mark.parametrize(
    ("value", "currency"),
    [("12", "chf"), ("12", None), ("12", "CHFX"), (12.0, "CHF"), ("12,0", "CHF"), (None, "CHF")],
)
def test_what_is_no_money_is_no_answer(value: Any, currency: Any) -> None:
    assert answers.amount("12.00", "XTS") == (Decimal("12.00"), "XTS"), "it is a mismatch, and kept"
    with pytest.raises(MoocherError):
        answers.amount(value, currency)


@pytest.mark.parametrize("value", [*ODD, "yesterday"])
def test_what_is_no_time_is_no_answer(value: Any) -> None:
    with pytest.raises(MoocherError, match="createdAt"):
        answers.moment({"createdAt": value}, "createdAt")


def test_a_time_without_a_zone_is_utc() -> None:
    noon = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
    for value in ("2026-11-27T12:00:00", "2026-11-27T12:00:00Z", "2026-11-27T13:00:00+01:00"):
        assert answers.moment({"at": value}, "at") == noon


@pytest.mark.parametrize("value", ODD)
def test_an_id_that_is_none_of_ours_is_none(value: Any) -> None:
    ours = UUID("b3f2c1d0-0000-4000-8000-000000000000")
    assert answers.uuid({"attempt": str(ours)}, "attempt") == ours
    assert answers.uuid({"attempt": value}, "attempt") is None
