"""Money: exact or refused, rounded once, said as people write it."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from babel.core import Locale
from babel.numbers import format_currency, parse_pattern
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from payments_ui import money
from payments_ui.exceptions import InvalidAmountError, InvalidCurrencyError
from tests.english import write_amounts

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


#: What Python takes for a number, and people and programs do not type.
ODDITIES = [
    # Underlines; Arabic, fullwidth and Devanagari digits.
    *(
        "1_2.00",
        "1_000",
        "\u0661\u0662",
        "\u0661\u0662.\u0665",
        "\uff11\uff12.00",
        "1\uff12",
        "\u0967\u0968",
        "12.0\u0660",
        "1E+\u0669",
    ),
    *("12\u00a0", "\u200f12", "\x1f12", "12\x00", "\ud80012", "1 2", "+-1", ".", "e5", "0x12"),
    *("1E+999999", "-1E+999999", "1E+999999999999999999999", "9" * 5000, "0." + "1" * 5000),
    *("NaN", "-nan", "sNaN12", "inf", "-Infinity"),
]


@pytest.mark.parametrize("value", ODDITIES, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("parse", [money.exact_amount, money.payment_amount])
def test_what_only_python_takes_for_a_number_is_refused(
    parse: Callable[[object], Decimal], value: str
) -> None:
    with pytest.raises(InvalidAmountError) as refusal:
        parse(value)
    assert len(str(refusal.value)) < 200


@given(value=st.text(max_size=12) | st.decimals(allow_nan=True) | st.integers())
def test_any_text_is_an_amount_or_a_typed_error(value: str | Decimal | int) -> None:
    for parse, digits, decimals in ((money.exact_amount, 10, 8), (money.payment_amount, 11, 3)):
        try:
            amount = parse(value)
        except InvalidAmountError:
            continue
        assert amount == Decimal(value)
        assert abs(amount) < 10**digits
        assert amount == round(amount, decimals)
        assert str(value).strip(" \t\r\n").isascii()


@pytest.mark.parametrize("value", [10**5000, -(10**5000), "-" + "1" * 400], ids=range(3))
def test_a_number_too_long_to_write_is_refused_in_few_words(value: Any) -> None:
    with pytest.raises(InvalidAmountError) as refusal:
        money.exact_amount(value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("value", ["0E+999999", "0E-999999", Decimal("0E+999999"), "1E+3", "12."])
def test_an_amount_is_kept_without_an_exponent(value: Any) -> None:
    assert "E" not in format(money.payment_amount(value), "").replace("E-", "")
    assert money.to_minor_units(money.payment_amount(value), "CHF") in (0, 1200, 100_000)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+999999"])
def test_a_stored_amount_that_is_none_is_a_typed_error(value: str) -> None:
    for verb in (money.round_amount, money.to_minor_units):
        with pytest.raises(InvalidAmountError):
            verb(Decimal(value), "CHF")


@pytest.mark.parametrize(
    ("amount", "currency", "kept"),
    [
        *(("5.000", "CHF", "5.00"), ("5", "KWD", "5.000"), ("500.000", "JPY", "500")),
        *(("0.005", "CHF", "0.005"), ("1.5", "JPY", "1.5"), ("1.5", "XXX", "1.5")),
        *(("NaN", "CHF", "NaN"), ("-Infinity", "JPY", "-Infinity"), ("sNaN", "KWD", "sNaN")),
    ],
)
def test_what_is_stored_is_never_rounded_again(amount: str, currency: str, kept: str) -> None:
    assert str(money.padded(Decimal(amount), currency)) == kept


@pytest.mark.parametrize("units", [12.5, float("nan"), "1200", None, True, Decimal("NaN")])
def test_minor_units_are_whole_numbers(units: Any) -> None:
    with pytest.raises(InvalidAmountError):
        money.from_minor_units(units, "CHF")


def test_what_a_psp_took_in_no_currency_is_kept_and_never_asked_for() -> None:
    assert money.from_minor_units(1200, "XTS") == 12
    with pytest.raises(InvalidCurrencyError):
        money.to_minor_units(Decimal(12), "XTS")


def test_an_amount_in_what_is_no_currency_is_said_as_it_is() -> None:
    assert money.format_amount(Decimal("1.50"), "XXX") == "XXX\u00a01.50"
    assert money.format_amount(Decimal("NaN"), "CHF") == "CHF\u00a0NaN"
    assert money.format_arrived(None, "XXX") == ""


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
    ("amount", "currency", "text"),
    [
        *(("1234.5", "CHF", "CHF 1,234.50"), ("12", "USD", "$12.00"), ("500", "JPY", "¥500")),
        *(("-1", "CHF", "-CHF 1.00"), ("-0.00", "CHF", "CHF 0.00"), ("100", "EUR", "€100.00")),
    ],
)
def test_an_amount_is_said_with_its_currency(amount: str, currency: str, text: str) -> None:
    with override("en"):
        assert money.format_amount(Decimal(amount), currency) == text.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("amount", "currency", "digits"),
    [
        *(("12", "CHF", "1200"), ("12", "JPY", "12"), ("1.5", "KWD", "1500")),
        *(("0.0004", "CHF", "00004"), ("1.50000000", "CHF", "150")),
    ],
)
@pytest.mark.parametrize("language", ["en", "de", "fr", "it"])
def test_decimals_are_the_currencys_and_more_where_the_amount_has_them(
    language: str, amount: str, currency: str, digits: str
) -> None:
    with override(language):
        said = money.format_amount(Decimal(amount), currency)
    assert "".join(re.findall(r"\d", said)) == digits


@pytest.mark.parametrize(
    ("language", "locale"),
    [
        *(("en", "en"), ("de", "de"), ("fr", "fr"), ("it", "it"), ("de-ch", "de_CH")),
        *(("de-xx", "de"), ("xx-strange", "en"), (None, "en")),
    ],
)
@pytest.mark.parametrize("currency", ["CHF", "EUR", "USD", "JPY"])
def test_people_read_an_amount_as_babel_writes_their_language(
    language: str | None, locale: str, currency: str
) -> None:
    amount = Decimal(-12345)
    with override(language):
        said = money.format_amount(amount, currency)
    assert together(said) == together(format_currency(amount, currency, locale=locale))
    # Not on two lines, and not run together: the space is ours.
    assert not re.search(r"[A-Z]\d|\d[A-Z]|[A-Z] \d|\d [A-Z]", said)


def together(text: str) -> str:
    """Return the text without its spaces, whichever kind they are."""
    return "".join(text.split())


def test_the_english_of_the_tests_is_their_own_whatever_babels_becomes() -> None:
    english = Locale("en")
    english.number_symbols["latn"].update(decimal="'", group="_")
    english.currency_formats["standard"] = parse_pattern("#,##0.00 ¤")
    english.currency_symbols.update(CHF="Fr.")
    try:
        assert format_currency(Decimal("-1234.5"), "CHF", locale="en") == "-1_234'50 Fr."
    finally:
        write_amounts()
    assert format_currency(Decimal("-1234.5"), "CHF", locale="en") == "-CHF1,234.50"
