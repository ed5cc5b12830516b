"""Amounts as people read them, by a table of the sandbox's own: an oracle borrows nothing."""

from __future__ import annotations

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"


def digits(currency: str) -> int:
    """Return how many decimals the currency has."""
    return 0 if currency in _NONE else 3 if currency in _THREE else 2


def readable(amount: int, currency: str) -> str:
    """Return an amount of minor units with its currency, as in `CHF 12.00`."""
    places = digits(currency)
    whole, rest = divmod(amount, 10**places)
    return f"{currency} {whole:,}" + (f".{rest:0{places}d}" if places else "")
