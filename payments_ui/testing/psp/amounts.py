"""Amounts in minor units, by a table of the fake's own: it checks the kit, and borrows nothing."""

from __future__ import annotations

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"


def decimals(currency: str) -> int:
    """Return how many decimals the currency has (ISO 4217)."""
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


def format_amount(amount: int, currency: str) -> str:
    """Return an amount of minor units with its currency, as in `CHF 12.00`."""
    places = decimals(currency)
    whole, rest = divmod(amount, 10**places)
    return f"{currency} {whole:,}" + (f".{rest:0{places}d}" if places else "")
