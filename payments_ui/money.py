"""Exact money: ``Decimal`` amounts, rounded once, by the currency's minor unit.

Minor units are those of Babel's CLDR data (0, 2 or 3 decimals). Currencies with four
(``CLF``, ``UYW``) are units of account in which nobody is charged, and are refused.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from babel.core import Locale, UnknownLocaleError
from babel.numbers import (
    format_currency,
    format_decimal,
    get_currency_precision,
)
from babel.numbers import (
    is_currency as babel_is_currency,
)
from django.utils.translation import get_language, to_locale

from .exceptions import InvalidAmountError, InvalidCurrencyError, QuantityError

#: Digits of a line item's amount: ten before the decimal point, eight behind it.
INTEGER_DIGITS = 10
DECIMAL_PLACES = 8

_CODE = re.compile(r"[A-Z]{3}")
# Python reads 1_000 and digits of all scripts, too: no bank writes these.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_MINOR_UNITS = (0, 2, 3)
# CLDR's currency spacing, which Babel leaves out: "CHF 12.00", but "€12.00".
# https://unicode.org/reports/tr35/tr35-numbers.html#Currencies
_LETTER_MEETS_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
# Wide enough that no sum of a user's line items is rounded on the way.
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)


def is_currency(code: object) -> bool:
    """Whether ``code`` is an ISO 4217 code the kit can charge in."""
    return isinstance(code, str) and _CODE.fullmatch(code) is not None and _is_known(code)


@lru_cache(maxsize=512)
def _is_known(code: str) -> bool:
    return babel_is_currency(code) and get_currency_precision(code) in _MINOR_UNITS


def minor_unit(currency: str) -> int:
    """Number of decimals of the currency: 0 (JPY), 2 (CHF) or 3 (KWD).

    Raises ``InvalidCurrencyError`` for anything that is no currency.
    """
    if not is_currency(currency):
        raise InvalidCurrencyError(f"{currency!r} is not the ISO 4217 code of a currency")
    return get_currency_precision(currency)


def exact_amount(value: object) -> Decimal:
    """The amount as a ``Decimal`` of at most ten digits and eight decimals.

    Takes ``Decimal``, ``int`` and decimal strings. Floats are refused because they have
    lost the exact amount already. Raises ``InvalidAmountError``.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise InvalidAmountError(
            f"{value!r} is a {type(value).__name__}: pass a Decimal, an int or a decimal string"
        )
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise InvalidAmountError(f"{value!r} is not a decimal number such as 12.50")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise InvalidAmountError(f"{value!r} is not a decimal number") from None
    if not amount.is_finite():
        raise InvalidAmountError(f"{value!r} is not a finite number")
    return _within_digits(amount)


def _within_digits(amount: Decimal) -> Decimal:
    if amount and amount.adjusted() >= INTEGER_DIGITS:
        raise InvalidAmountError(f"{amount} has more than {INTEGER_DIGITS} digits")
    exponent = amount.as_tuple().exponent
    # Only a run of zeros can be longer than the field and still be exact.
    if isinstance(exponent, int) and exponent < -DECIMAL_PLACES:
        shorter = amount.quantize(Decimal(1).scaleb(-DECIMAL_PLACES), context=_CONTEXT)
        if shorter != amount:
            raise InvalidAmountError(f"{amount} has more than {DECIMAL_PLACES} decimals")
        return shorter
    return amount


def product(quantity: Decimal, unit_price: Decimal) -> Decimal:
    """The exact amount of a use: rounded to eight decimals, half to even.

    Raises ``InvalidAmountError`` for more than ten digits before the decimal point.
    """
    exact = _CONTEXT.multiply(quantity, unit_price)
    return _within_digits(exact.quantize(Decimal(1).scaleb(-DECIMAL_PLACES), context=_CONTEXT))


def check_product(
    amount: Decimal, quantity: Decimal | None, unit_price: Decimal | None, unit: str = ""
) -> None:
    """Raise ``QuantityError`` unless the amount is the product, or stands alone."""
    if quantity is None and unit_price is None and not unit:
        return
    if not (isinstance(quantity, Decimal) and isinstance(unit_price, Decimal)):
        raise QuantityError("A quantity needs a unit price, a unit price and a unit a quantity")
    expected = product(quantity, unit_price)
    if amount != expected:
        raise QuantityError(f"{quantity} times {unit_price} is {expected}, not {amount}")


def round_amount(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole minor units, half to even (IEEE 754, "banker's rounding").

    Raises ``InvalidAmountError`` for NaN and infinity.
    """
    if not amount.is_finite():
        raise InvalidAmountError(f"{amount} is not a finite number")
    return amount.quantize(Decimal(1).scaleb(-minor_unit(currency)), context=_CONTEXT)


def to_minor_units(amount: Decimal, currency: str) -> int:
    """The amount as a PSP wants it: CHF 12.00 is 1200, JPY 500 is 500, KWD 1.5 is 1500.

    Raises ``InvalidAmountError`` where the amount is not a whole number of minor units.
    """
    if not amount.is_finite():
        raise InvalidAmountError(f"{amount} is not a finite number")
    scaled = amount.scaleb(minor_unit(currency), context=_CONTEXT)
    if scaled != scaled.to_integral_value():
        raise InvalidAmountError(f"{amount} is not a whole number of {currency} minor units")
    return int(scaled)


def from_minor_units(units: int, currency: str) -> Decimal:
    """The ``Decimal`` amount of an integer number of minor units."""
    return Decimal(units).scaleb(-minor_unit(currency), context=_CONTEXT)


def format_amount(amount: Decimal, currency: str) -> str:
    """The amount for people, with its currency, in Django's active language.

    Decimals beyond the currency's own are shown where the amount has them (CHF 0.0004).
    """
    # Widgets show the same few amounts again and again. Zero has no sign for people.
    return _format(amount or Decimal(0), currency, get_language() or "en")


@lru_cache(maxsize=2048)
def _format(amount: Decimal, currency: str, language: str) -> str:
    decimals = minor_unit(currency)
    exponent = amount.normalize(_CONTEXT).as_tuple().exponent
    extra = max(0, -exponent - decimals) if isinstance(exponent, int) else 0
    # Babel rounds to the currency's decimals unless told to take the amount as it is.
    exact: dict[str, Any] = {"decimal_quantization": False, "currency_digits": False}
    text = format_currency(amount, currency, locale=_locale(language), **exact if extra else {})
    return _LETTER_MEETS_DIGIT.sub("\u00a0", text)


def format_product(
    quantity: Decimal | None, unit: str, unit_price: Decimal | None, currency: str
) -> str:
    """Quantity, unit and unit price in Django's active language; empty without a quantity."""
    if quantity is None or unit_price is None:
        return ""
    number = format_decimal(
        quantity, locale=_locale(get_language() or "en"), decimal_quantization=False
    )
    return f"{number} {unit}".rstrip() + f" \u00d7 {format_amount(unit_price, currency)}"


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    for name in (language, language.split("-")[0]):
        try:
            return Locale.parse(to_locale(name))
        except (UnknownLocaleError, ValueError):
            continue
    # A site may speak a language that CLDR does not know.
    return Locale("en")


def format_arrived(amount: Decimal | None, currency: str) -> str:
    """As ``format_amount``, for what others say arrived: nothing, or an unknown currency."""
    if amount is None:
        return ""
    # Banks tell of money in currencies that nobody else knows.
    return format_amount(amount, currency) if is_currency(currency) else f"{amount} {currency}"
