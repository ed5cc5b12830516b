"""Amounts as Stripe counts them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from payments_ui.exceptions import InvalidAmountError, InvalidCurrencyError
from payments_ui.moochers.stripe import amounts

KNOWN = [
    ("12.00", "CHF", 1200),
    ("0.01", "USD", 1),
    ("500", "JPY", 500),
    ("12", "CLP", 12),
    # Special cases: as if they had two decimals, none of which is used.
    ("500", "ISK", 50000),
    ("500", "UGX", 50000),
    # ISO 4217 gives it two decimals, Stripe none.
    ("7.00", "MGA", 7),
    # Thousandths, the last digit zero.
    ("1.250", "KWD", 1250),
    ("1.25", "TND", 1250),
    # Charged with decimals; only payouts are whole.
    ("12.50", "HUF", 1250),
    ("12.50", "TWD", 1250),
]


@pytest.mark.parametrize(("amount", "currency", "units"), KNOWN)
def test_amounts_come_back_as_they_were(amount: str, currency: str, units: int) -> None:
    assert amounts.to_stripe(Decimal(amount), currency) == units
    assert amounts.from_stripe(units, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("1.255", "KWD"), ("1.255", "CHF"), ("0.5", "ISK"), ("0.5", "JPY"), ("7.20", "MGA")],
)
def test_what_stripe_cannot_take_exactly_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(InvalidAmountError):
        amounts.to_stripe(Decimal(amount), currency)


def test_what_is_no_currency_is_not_asked_for() -> None:
    with pytest.raises(InvalidCurrencyError):
        amounts.to_stripe(Decimal(1), "XXX")


def test_what_arrived_is_kept_with_its_decimals() -> None:
    assert str(amounts.from_stripe(50000, "ISK")) == "500"
    assert str(amounts.from_stripe(1200, "CHF")) == "12.00"
    assert amounts.from_stripe(50050, "ISK") == Decimal("500.5")
    assert amounts.from_stripe(1200, "ZZZ") == Decimal(12)
