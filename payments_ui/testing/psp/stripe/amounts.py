"""Amounts as Stripe takes them, in the fake's own tables: they check the moocher's.

Sources: docs.stripe.com/currencies (currencies without decimals, special cases, minimum and
maximum charge amounts).
"""

from __future__ import annotations

from payments_ui.testing.psp.amounts import decimals

from .errors import StripeError

_NO_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
#: Without decimals, sent as if they had two.
_SENT_WITH_TWO = frozenset({"ISK", "UGX"})
_LARGEST = 99_999_999
#: The least that can be charged, as it is sent. Other currencies: the equivalent of 0.50 USD,
#: which the fake does not know.
_SMALLEST = {
    "AED": 200, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50,
    "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200,
    "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50,
}  # fmt: skip


def places(currency: str) -> int:
    """Return with how many decimals Stripe takes amounts of a currency."""
    if currency in _NO_DECIMALS:
        return 0
    return 2 if currency in _SENT_WITH_TWO else decimals(currency)


def to_ledger(amount: int, currency: str) -> int:
    """Return an amount as Stripe takes it in minor units of ISO 4217; StripeError for others."""
    if amount < 1:
        text = "This value must be greater than or equal to 1."
        raise StripeError(text, code="parameter_invalid_integer", param="amount")
    if amount > _LARGEST:
        text = f"Amount must be no more than {_LARGEST}."
        raise StripeError(text, code="amount_too_large", param="amount")
    if currency in _SENT_WITH_TWO and amount % 100:
        text = f"Amounts in {currency} end in 00."
        raise StripeError(text, code="invalid_charge_amount", param="amount")
    if decimals(currency) == 3 and amount % 10:
        text = f"Amounts in {currency} end in 0."
        raise StripeError(text, code="invalid_charge_amount", param="amount")
    return _scaled(amount, decimals(currency) - places(currency))


def check_minimum(amount: int, currency: str) -> None:
    """Refuse to charge less than Stripe charges."""
    if amount < _SMALLEST.get(currency, 1):
        text = "The amount is below the minimum charge amount of its currency."
        raise StripeError(text, code="amount_too_small", param="amount")


def from_ledger(amount: int, currency: str) -> int:
    """Return an amount of minor units as Stripe shows it."""
    return _scaled(amount, places(currency) - decimals(currency))


def _scaled(amount: int, digits: int) -> int:
    scale: int = 10 ** abs(digits)
    return amount * scale if digits >= 0 else amount // scale
