"""Amounts in minor units, by a table of the fake's own: it checks the kit, and borrows nothing."""

from __future__ import annotations

from decimal import Decimal

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_SIGNS = {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "$"}


def decimals(currency: str) -> int:
    """Return how many decimals the currency has (ISO 4217)."""
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


def format_amount(amount: int, currency: str) -> str:
    """Return an amount of minor units with its currency, as in `CHF 12.00` and `€12.00`."""
    return written(Decimal(amount).scaleb(-decimals(currency)), currency)


def written(amount: Decimal, currency: str) -> str:
    """Return an amount in units of its currency as `format_amount` writes it, never rounded."""
    places = max(decimals(currency), -int(amount.normalize().as_tuple().exponent))
    return f"{_SIGNS.get(currency, f'{currency} ')}{amount:,.{places}f}"
