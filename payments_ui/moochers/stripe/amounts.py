"""Amounts as Stripe counts them: the minor units of ISO 4217, but for a few currencies.

The source is https://docs.stripe.com/currencies ("Zero-decimal currencies" and "Special cases"),
read in November 2026. Forints and New Taiwan dollars are charged with their two decimals; only
payouts of them are whole. The Ugandan shilling is in the list of zero-decimal currencies, too: what
the special cases say of it, 500 for five of them, is the more exact of the two. Smallest and
largest amounts depend on the account and the payment method: Stripe's own answer says them.
"""

from __future__ import annotations

from decimal import Decimal

from payments_ui import iso4217, money
from payments_ui.exceptions import InvalidAmountError

#: Decimals, where Stripe counts otherwise than ISO 4217. Króna and Ugandan shilling stay
#: two-decimal for old integrations, the ariary has a fifth (iraimbilanja) that Stripe leaves out.
DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}
#: The last digits that must be zero: no fraction of króna and shilling, and none of the card
#: networks carries the third decimal.
ZEROS = {"ISK": 2, "UGX": 2, "BHD": 1, "JOD": 1, "KWD": 1, "OMR": 1, "TND": 1}


def to_stripe(amount: Decimal, currency: str) -> int:
    """The amount as Stripe wants it: CHF 12.00 is 1200, JPY 500 is 500, ISK 500 is 50000.

    Raises ``InvalidAmountError`` where Stripe has no integer for it.
    """
    decimals = DECIMALS.get(currency, money.minor_unit(currency))
    scaled = money.payment_amount(amount).scaleb(decimals)
    units = int(scaled)
    if units != scaled or units % 10 ** ZEROS.get(currency, 0):
        shown = money.format_amount(amount, currency)
        raise InvalidAmountError(f"Stripe cannot take exactly {shown}")
    return units


def from_stripe(units: int, currency: str) -> Decimal:
    """The ``Decimal`` amount of an integer that Stripe reports, in units of ``currency``.

    What arrived is kept even where Stripe names what is no currency.
    """
    amount = Decimal(units).scaleb(-DECIMALS.get(currency, iso4217.DECIMALS.get(currency, 2)))
    return money.padded(amount, currency)
