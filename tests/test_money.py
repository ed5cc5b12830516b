"""Money: exact or refused, rounded once, said as people write it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from payments_ui import money
from payments_ui.exceptions import InvalidAmountError, InvalidCurrencyError

CURRENCIES = {"JPY": 0, "KRW": 0, "CHF": 2, "EUR": 2, "USD": 2, "KWD": 3, "BHD": 3}


@pytest.mark.parametrize(("currency", "decimals"), CURRENCIES.items())
def test_each_currency_has_its_minor_unit(currency: str, decimals: int) -> None:
    assert money.is_currency(currency)
    assert money.minor_unit(currency) == decimals


@pytest.mark.parametrize("code", ["XXQ", "chf", "", "CHF ", "CLF", "UYW", None, 7, [], b"CHF"])
def test_what_is_no_currency_is_refused(code: Any) -> None:
    assert not money.is_currency(code)
    with pytest.raises(InvalidCurrencyError):
        money.minor_unit(code)


@given(
    units=st.integers(min_value=-(10**12), max_value=10**12),
    currency=st.sampled_from(sorted(CURRENCIES)),
)
def test_minor_units_and_back_lose_nothing(units: int, currency: str) -> None:
    amount = money.from_minor_units(units, currency)
    assert money.to_minor_units(amount, currency) == units
    assert money.round_amount(amount, currency) == amount


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("12", "CHF", 1200), ("500", "JPY", 500), ("1.5", "KWD", 1500), ("19.99", "EUR", 1999)],
)
def test_a_psp_gets_whole_minor_units(amount: str, currency: str, units: int) -> None:
    assert money.to_minor_units(Decimal(amount), currency) == units


@pytest.mark.parametrize(("amount", "currency"), [("0.5", "JPY"), ("1.005", "CHF")])
def test_a_part_of_a_minor_unit_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(InvalidAmountError):
        money.to_minor_units(Decimal(amount), currency)


@given(amount=st.decimals(min_value=-(10**9), max_value=10**9, places=8))
def test_exact_amounts_stay_as_they_are(amount: Decimal) -> None:
    assert money.exact_amount(amount) == money.exact_amount(str(amount)) == amount


@given(value=st.floats() | st.booleans() | st.none() | st.binary() | st.complex_numbers())
def test_what_is_no_exact_number_is_refused(value: Any) -> None:
    with pytest.raises(InvalidAmountError):
        money.exact_amount(value)


@pytest.mark.parametrize(
    "value",
    [
        *("", "abc", "1,5", "NaN", "sNaN", "Infinity", "1e10", "10000000000"),
        *("0.000000001", "1e-9", "1e1000000", "-1e-1000000"),
    ],
)
def test_what_does_not_fit_is_refused(value: str) -> None:
    with pytest.raises(InvalidAmountError):
        money.exact_amount(value)


@pytest.mark.parametrize("value", ["0E-30", "1.5000000000000", "0", "-0.00", 7, "  7 "])
def test_zeros_at_the_end_are_no_decimals(value: Any) -> None:
    assert money.exact_amount(value) == Decimal(value)


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        *(("0.125", "CHF", "0.12"), ("0.135", "CHF", "0.14"), ("-0.125", "CHF", "-0.12")),
        *(("2.5", "JPY", "2"), ("3.5", "JPY", "4"), ("0.0005", "KWD", "0.000")),
    ],
)
def test_a_payment_rounds_once_half_to_even(amount: str, currency: str, rounded: str) -> None:
    assert str(money.round_amount(Decimal(amount), currency)) == rounded


@pytest.mark.parametrize(
    ("language", "amount", "currency", "text"),
    [
        ("en", "1234.5", "CHF", "CHF 1,234.50"),
        ("en", "12", "USD", "$12.00"),
        ("en", "500", "JPY", "¥500"),
        ("en", "-1", "CHF", "-CHF 1.00"),
        ("en", "0.0004", "CHF", "CHF 0.0004"),
        ("en", "1.50000000", "CHF", "CHF 1.50"),
        ("en", "100", "EUR", "€100.00"),
        ("de", "1234.5", "EUR", "1.234,50 €"),
        ("fr", "12", "CHF", "12,00 CHF"),
        ("it", "12", "EUR", "12,00 €"),
        ("de-ch", "1234.5", "CHF", "CHF 1\u2019234.50"),
        ("xx-strange", "12", "USD", "$12.00"),
        ("de-xx", "12", "EUR", "12,00 €"),
        (None, "1.5", "KWD", "KWD 1.500"),
    ],
)
def test_an_amount_is_said_as_people_write_it(
    language: str | None, amount: str, currency: str, text: str
) -> None:
    with override(language):
        said = money.format_amount(Decimal(amount), currency)
    assert said.replace("\u00a0", " ").replace("\u202f", " ") == text
