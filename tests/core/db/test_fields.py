"""What columns of amounts give back, whatever was stored in them by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from payments_ui.core.models import LineItem, Payment
from payments_ui.exceptions import InvalidAmountError

FIELDS: list[Any] = [Payment._meta.get_field("amount"), LineItem._meta.get_field("quantity")]


@pytest.mark.parametrize("stored", ["twelve", "1,5", ""])
def test_a_text_that_was_stored_as_an_amount_is_an_error(stored: str) -> None:
    with pytest.raises(InvalidAmountError, match="is stored as an amount"):
        FIELDS[0].from_db_value(stored, None, connection)


@pytest.mark.parametrize("stored", ["NaN", "Infinity"])
def test_what_is_no_number_is_given_back_as_it_is(stored: str) -> None:
    assert str(FIELDS[0].from_db_value(stored, None, connection)) == stored


def test_an_amount_reads_with_two_decimals_at_least() -> None:
    read = [str(FIELDS[0].from_db_value(stored, None, connection)) for stored in ("5.000", "1.125")]
    assert read == ["5.00", "1.125"]
    assert FIELDS[0].from_db_value(None, None, connection) is None
    assert FIELDS[0].from_db_value(Decimal(12), None, connection) == 12
