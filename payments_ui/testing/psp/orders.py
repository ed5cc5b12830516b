"""What an order has to look like before the sandbox takes it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from .addresses import loopback_url
from .exchange import ApiError
from .faults import CARDS
from .ledger import Order

MOST = 10**12
REFERENCE = re.compile(r"[!-~]{1,255}", re.ASCII)
_REQUIRED = {"amount", "currency", "reference", "method", "return_url"}
_OPTIONAL = {"card", "webhook_url", "description", "metadata"}


def parse_order(data: dict[str, Any]) -> Order:
    """Return the order; ApiError 400 names the first parameter that is wrong."""
    unknown = sorted(set(data) - _REQUIRED - _OPTIONAL)
    missing = sorted(_REQUIRED - set(data))
    for parameter in unknown + missing:
        raise ApiError(400, "invalid_parameter", f"Unknown or missing parameter: {parameter[:50]}.")
    order = Order(**data)
    for parameter, valid in _judge(order).items():
        if not valid:
            raise ApiError(400, "invalid_parameter", f"This is no valid {parameter}.")
    return order


def _judge(order: Order) -> dict[str, bool]:
    return {
        "amount": type(order.amount) is int and 0 < order.amount <= MOST,
        "currency": _matches("[A-Z]{3}", order.currency),
        "reference": _matches(REFERENCE, order.reference),
        "method": order.method in ("card", "page"),
        "card": order.card in (list(CARDS) if order.method == "card" else [""]),
        "return_url": _is_loopback(order.return_url),
        "webhook_url": order.webhook_url == "" or _is_loopback(order.webhook_url),
        "description": _is_text(order.description, 500),
        "metadata": _is_metadata(order.metadata),
    }


def _matches(pattern: str | re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_loopback(url: object) -> bool:
    try:
        loopback_url(url)
    except ValueError:
        return False
    return True


def _is_text(value: object, most: int) -> bool:
    # Control characters and lone surrogates pass as JSON, but are no text to be stored or shown.
    if not isinstance(value, str) or len(value) > most:
        return False
    return not any(unicodedata.category(char) in {"Cc", "Cs"} for char in value)


def _is_metadata(value: object) -> bool:
    if not isinstance(value, dict) or len(value) > 20:
        return False
    return all(_is_text(name, 50) and _is_text(text, 500) for name, text in value.items())
