"""The codes of all currencies in which the books are kept."""

from __future__ import annotations

from babel.core import get_global

from payments_ui import money


def codes(minor_unit: int | None = None) -> list[str]:
    """Return the known codes in order, or those of them with so many decimals."""
    known = sorted(filter(money.is_currency, get_global("all_currencies")))
    return [code for code in known if minor_unit in (None, money.minor_unit(code))]
