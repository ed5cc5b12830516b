"""Exact money: ``Decimal`` amounts, rounded once, by the currency's minor unit.

Currencies and their minor units are those of ISO 4217 (``iso4217.DECIMALS``: 0, 2 or 3 decimals).
Babel only writes amounts, as people of the active language do; it is imported where it does.
"""

from __future__ import annotations

import re
from copy import copy
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import lru_cache

from . import languages
from .exceptions import InvalidAmountError, InvalidCurrencyError, QuantityError
from .iso4217 import DECIMALS

#: Digits of a line item's amount: ten before the decimal point, eight behind it.
INTEGER_DIGITS = 10
DECIMAL_PLACES = 8
#: Of what is asked, arrives and is given back: eleven before the decimal point, three behind it.
PAYMENT_INTEGER_DIGITS = 11
PAYMENT_DECIMAL_PLACES = 3

# As people and programs type a number. Python's own syntax also takes 1_2, and all scripts' digits.
_NUMBER = re.compile(r"[ \t\r\n]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\r\n]*")
# CLDR's currency spacing, which Babel leaves out: "CHF 12.00", but "€12.00".
# https://unicode.org/reports/tr35/tr35-numbers.html#Currencies
_LETTER_MEETS_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
# Wide enough that no sum of a user's line items is rounded on the way.
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)


def is_currency(code: object) -> bool:
    """Whether ``code`` is the ISO 4217 code of money: no fund, metal or testing code."""
    return isinstance(code, str) and code in DECIMALS


def minor_unit(currency: str) -> int:
    """Number of decimals of the currency: 0 (JPY), 2 (CHF) or 3 (KWD).

    Raises ``InvalidCurrencyError`` for anything that is no currency.
    """
    if not is_currency(currency):
        raise InvalidCurrencyError(f"{currency!r} is not the ISO 4217 code of a currency")
    return DECIMALS[currency]


def number(value: object) -> Decimal:
    """The finite number that a person typed or a program says, whatever its size.

    Takes ``Decimal``, ``int`` and ASCII decimal strings. Floats are refused because they have
    lost the exact amount already. Raises ``InvalidAmountError``.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise InvalidAmountError(
            f"{_shown(value)} is a {type(value).__name__}: pass a Decimal, an int or"
            " a decimal string"
        )
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise InvalidAmountError(f"{_shown(value)} is not a decimal number")
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise InvalidAmountError(f"{_shown(value)} is not a decimal number") from None
    if not found.is_finite():
        raise InvalidAmountError(f"{_shown(value)} is not a finite number")
    return found


def exact_amount(value: object) -> Decimal:
    """The ``number`` as a line item keeps it: at most ten digits and eight decimals.

    Raises ``InvalidAmountError``.
    """
    return _within(number(value), INTEGER_DIGITS, DECIMAL_PLACES)


def payment_amount(value: object) -> Decimal:
    """The ``number`` as payments, arrivals and refunds keep it: eleven digits, three decimals.

    Raises ``InvalidAmountError``.
    """
    return _within(number(value), PAYMENT_INTEGER_DIGITS, PAYMENT_DECIMAL_PLACES)


def _within(amount: Decimal, digits: int, decimals: int) -> Decimal:
    if amount and amount.adjusted() >= digits:
        raise InvalidAmountError(f"{_shown(amount)} has more than {digits} digits")
    exponent = int(amount.as_tuple().exponent)
    if -decimals <= exponent <= 0:
        return amount
    # Without an exponent; only a run of zeros can be longer than the field and still be exact.
    written = _rounded(amount, min(decimals, max(-exponent, 0)))
    if written != amount:
        raise InvalidAmountError(f"{_shown(amount)} has more than {decimals} decimals")
    return written


def _shown(value: object) -> str:
    """As a message names it: some are longer than people read, or than Python writes an int."""
    text = str(Decimal(value)) if isinstance(value, Decimal | int) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def product(quantity: Decimal, unit_price: Decimal) -> Decimal:
    """The exact amount of a use: rounded to eight decimals, half to even.

    Raises ``InvalidAmountError`` for more than ten digits before the decimal point.
    """
    exact = _CONTEXT.multiply(quantity, unit_price)
    return _within(_rounded(exact, DECIMAL_PLACES), INTEGER_DIGITS, DECIMAL_PLACES)


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

    For what is not asked yet. Raises ``InvalidCurrencyError``, and ``InvalidAmountError`` for what
    is no number of at most fifty digits.
    """
    return _rounded(number(amount), minor_unit(currency))


def padded(amount: Decimal, currency: str) -> Decimal:
    """The same amount, with as many decimals as its currency has, or as it needs: never rounded.

    For what is stored: 5.00 and not 5.000. With a code that is no currency it stays as it is, and
    so do NaN and infinity, which were stored by hand.
    """
    if currency not in DECIMALS or not amount.is_finite():
        return amount
    needed = -int(amount.normalize(_CONTEXT).as_tuple().exponent)
    return _rounded(amount, max(DECIMALS[currency], needed))


def _rounded(amount: Decimal, decimals: int) -> Decimal:
    try:
        return amount.quantize(Decimal(1).scaleb(-decimals), context=_CONTEXT)
    except InvalidOperation:
        raise InvalidAmountError(f"{_shown(amount)} is too long for an amount") from None


def to_minor_units(amount: Decimal, currency: str) -> int:
    """The amount as a PSP wants it: CHF 12.00 is 1200, JPY 500 is 500, KWD 1.5 is 1500.

    Raises ``InvalidAmountError`` where the amount is not a whole number of minor units.
    """
    decimals = minor_unit(currency)
    within = _within(number(amount), _CONTEXT.prec - decimals, PAYMENT_DECIMAL_PLACES)
    scaled = within.scaleb(decimals, context=_CONTEXT)
    if scaled != scaled.to_integral_value():
        raise InvalidAmountError(f"{amount} is not a whole number of {currency} minor units")
    return int(scaled)


def from_minor_units(units: int, currency: str) -> Decimal:
    """The ``Decimal`` amount of an integer number of minor units, as a PSP reports it.

    What arrived is kept even where the PSP names what is no currency: it has two decimals, as most
    have. Raises ``InvalidAmountError`` for units that are a float, a text or NaN.
    """
    if isinstance(units, bool) or not isinstance(units, int):
        raise InvalidAmountError(f"{_shown(units)} is not a number of {currency} minor units")
    return Decimal(units).scaleb(-DECIMALS.get(currency, 2), context=_CONTEXT)


def format_amount(amount: Decimal, currency: str, language: str = "") -> str:
    """The amount for people, with its currency, in Django's active language.

    ``language`` is ``languages.of_numbers()``, for who writes many amounts and asks for it once.

    It is never rounded: decimals beyond the currency's own are shown where the amount has them
    (CHF 0.0004). With a code that is no currency, as banks tell of, it is written as it is behind
    the code, and so are NaN and infinity. All amounts that people read are written like this: on
    pages, in mails, commands and errors.
    """
    # Widgets show the same few amounts again and again. Zero has no sign for people.
    if currency not in DECIMALS or not amount.is_finite():
        return f"{currency}\u00a0{amount}" if currency else str(amount)
    return _format(amount or Decimal(0), currency, language or languages.of_numbers())


@lru_cache(maxsize=2048)
def _format(amount: Decimal, currency: str, language: str) -> str:
    from babel.numbers import format_currency

    locale = languages.locale(language)
    # Babel would take decimals from CLDR, which are those of cash for some currencies.
    pattern = copy(locale.currency_formats["standard"])
    decimals = -int(padded(amount, currency).as_tuple().exponent)
    pattern.frac_prec = (decimals, decimals)
    text = format_currency(amount, currency, pattern, locale=locale, currency_digits=False)
    return _LETTER_MEETS_DIGIT.sub("\u00a0", text)


def format_product(
    quantity: Decimal | None, unit: str, unit_price: Decimal | None, currency: str
) -> str:
    """Quantity, unit and unit price in Django's active language; empty without a quantity."""
    if quantity is None or unit_price is None:
        return ""
    from babel.numbers import format_decimal

    locale = languages.locale(languages.of_numbers())
    count = format_decimal(quantity, locale=locale, decimal_quantization=False)
    return f"{count} {unit}".rstrip() + f" \u00d7 {format_amount(unit_price, currency)}"


def format_arrived(amount: Decimal | None, currency: str) -> str:
    """As ``format_amount``, for what others say arrived; empty where that is nothing."""
    return "" if amount is None else format_amount(amount, currency)
