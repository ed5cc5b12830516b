"""Amounts as people read them, by a table of the sandbox's own: an oracle borrows nothing."""

from __future__ import annotations

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"


def readable(amount: int, currency: str) -> str:
    """Return an amount of minor units with its currency, as in `CHF 12.00`."""
    digits = 0 if currency in _NONE else 3 if currency in _THREE else 2
    whole, rest = divmod(amount, 10**digits)
    return f"{currency} {whole:,}" + (f".{rest:0{digits}d}" if digits else "")
