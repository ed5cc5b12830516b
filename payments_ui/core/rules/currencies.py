"""The codes of all currencies in which the books are kept, and their decimals in SQL."""

from __future__ import annotations

from functools import cache

from payments_ui.iso4217 import DECIMALS


def codes(minor_unit: int | None = None) -> list[str]:
    """Return the known codes in order, or those of them with so many decimals."""
    return [code for code, decimals in DECIMALS.items() if minor_unit in (None, decimals)]


@cache
def by_minor_unit(one: str, thousandth: str, hundredth: str, currency: str = "NEW.currency") -> str:
    """Return the choice between these by the decimals of ``currency``: 0, 3 or 2."""
    whole, thousandths = (", ".join(f"'{code}'" for code in codes(digits)) for digits in (0, 3))
    return (
        f"CASE WHEN {currency} IN ({whole}) THEN {one}"
        f" WHEN {currency} IN ({thousandths}) THEN {thousandth} ELSE {hundredth} END"
    )
