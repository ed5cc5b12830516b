"""English as the tests read it.

How a language writes an amount is Babel's data (CLDR's), and changes with its releases. What a
test states may not change with it, so the tests bring the English of their amounts with them; what
the kit writes in other languages is compared with what Babel writes (`tests/test_money.py`).
"""

from __future__ import annotations

from babel.core import Locale
from babel.numbers import parse_pattern


def write_amounts() -> None:
    """Let this process write English amounts as the tests state them."""
    english = Locale("en")
    english.number_symbols["latn"].update(decimal=".", group=",")
    english.currency_formats["standard"] = parse_pattern("¤#,##0.00")
    english.currency_symbols.update(CHF="CHF", EUR="€", JPY="¥", KWD="KWD", USD="$")
