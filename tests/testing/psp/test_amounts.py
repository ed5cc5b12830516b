from __future__ import annotations

import pytest

from payments_ui.testing.psp.amounts import format_amount


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (5, "CHF", "CHF 0.05"),
        (123456789, "EUR", "€1,234,567.89"),
        (1200, "JPY", "¥1,200"),
        (1234, "KWD", "KWD 1.234"),
    ],
)
def test_amounts_show_the_decimals_of_their_currency(amount: int, currency: str, text: str) -> None:
    assert format_amount(amount, currency) == text
