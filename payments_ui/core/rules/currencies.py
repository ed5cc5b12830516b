"""The codes of all currencies in which the books are kept."""

from __future__ import annotations

from payments_ui.iso4217 import DECIMALS


def codes(minor_unit: int | None = None) -> list[str]:
    """Return the known codes in order, or those of them with so many decimals."""
    return [code for code, decimals in DECIMALS.items() if minor_unit in (None, decimals)]
