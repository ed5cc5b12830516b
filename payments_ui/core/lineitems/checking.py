"""What a line item may hold: each fact as the books keep it, or the typed error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from payments_ui import money
from payments_ui.conf import settings as pui
from payments_ui.core.db.fields import is_plain
from payments_ui.exceptions import (
    InvalidCurrencyError,
    InvalidTitleError,
    LineItemError,
    QuantityError,
)


def _title(value: Any) -> str:
    title = str(value).strip()
    if not title or len(title) > 200:
        raise InvalidTitleError(f"A line item has a title of 1 to 200 characters, not {len(title)}")
    if not is_plain(title):
        raise InvalidTitleError(f"A title has no NUL and no lone surrogate: {title!r}")
    return title


def _currency(value: Any) -> str:
    currency = value or pui.CURRENCY
    if not money.is_currency(currency):
        raise InvalidCurrencyError(f"{currency!r} is not a currency the kit can charge in")
    return str(currency)


def _key(value: Any) -> str | None:
    if value is None:
        return None
    key = str(value).strip()
    if not key or len(key) > 200 or not is_plain(key):
        raise LineItemError("A key has 1 to 200 characters, no NUL and no lone surrogate")
    return key


def _unit(value: Any) -> str:
    unit = str(value).strip()
    if len(unit) > 40 or not is_plain(unit):
        raise QuantityError("A unit has at most 40 characters, no NUL and no lone surrogate")
    return unit


def _optional_amount(value: Any) -> Decimal | None:
    return None if value is None else money.exact_amount(value)


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "title": _title,
    "amount": money.exact_amount,
    "currency": _currency,
    "quantity": _optional_amount,
    "unit": _unit,
    "unit_price": _optional_amount,
    "key": _key,
}
#: Fields that ``QuantityError`` is about.
PRODUCT = frozenset({"amount", "quantity", "unit", "unit_price"})


def checked(name: str, value: Any) -> Any:
    """The field's value as the books hold it, or the typed error."""
    if name not in CHECKS or hasattr(value, "resolve_expression"):
        return value
    return CHECKS[name](value)


def amount_of(amount: Any, quantity: Any, unit_price: Any) -> Any:
    """The amount that is given, or the product where only its factors are."""
    if amount is None and quantity is not None and unit_price is not None:
        return money.product(money.exact_amount(quantity), money.exact_amount(unit_price))
    return amount
