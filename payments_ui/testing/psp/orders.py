"""What an order has to look like before the sandbox takes it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from .addresses import loopback_url
from .exchange import ApiError, Request
from .faults import CARDS
from .ledger import Order
from .refunds import RefundOrder

MOST = 10**12
CHARGE_ID = re.compile(r"ch_[0-9a-f]{32}", re.ASCII)
REFERENCE = re.compile(r"[!-~]{1,255}", re.ASCII)
_REQUIRED = {"amount", "currency", "reference", "method", "return_url"}
_OPTIONAL = {"card", "webhook_url", "description", "metadata"}


def parse_order(data: dict[str, Any]) -> Order:
    """Return the order; ApiError 400 names the first parameter that is wrong."""
    _require(data, _REQUIRED, _OPTIONAL)
    order = Order(**data)
    _refuse(_judge(order))
    return order


def parse_refund(data: dict[str, Any]) -> RefundOrder:
    """Return what is to be given back; ApiError 400 as for orders."""
    _require(data, {"charge", "amount", "reference"}, {"webhook_url", "metadata"})
    order = RefundOrder(**data)
    _refuse(
        {
            "charge": _matches(CHARGE_ID, order.charge),
            "amount": _is_amount(order.amount),
            "reference": _matches(REFERENCE, order.reference),
            "webhook_url": not order.webhook_url or _is_loopback(order.webhook_url),
            "metadata": _is_metadata(order.metadata),
        }
    )
    return order


def parse_reference(request: Request) -> str:
    """Return the reference that is to be closed; ApiError 400 for none."""
    reference: str = request.json().get("reference", "")
    _refuse({"reference": _matches(REFERENCE, reference)})
    return reference


def key_of(request: Request) -> str:
    """Return the idempotency key; ApiError 400 without one."""
    key = request.headers.get("idempotency-key", "")
    if not REFERENCE.fullmatch(key):
        raise ApiError(400, "invalid_key", "The header Idempotency-Key is missing or wrong.")
    return key


def _require(data: dict[str, Any], required: set[str], optional: set[str]) -> None:
    unknown = sorted(set(data) - required - optional)
    for parameter in unknown + sorted(required - set(data)):
        raise ApiError(400, "invalid_parameter", f"Unknown or missing parameter: {parameter[:50]}.")


def _refuse(judged: dict[str, bool]) -> None:
    for parameter, valid in judged.items():
        if not valid:
            raise ApiError(400, "invalid_parameter", f"This is no valid {parameter}.")


def _judge(order: Order) -> dict[str, bool]:
    return {
        "amount": _is_amount(order.amount),
        "currency": _matches("[A-Z]{3}", order.currency),
        "reference": _matches(REFERENCE, order.reference),
        "method": order.method in ("card", "page"),
        "card": order.card in (list(CARDS) if order.method == "card" else [""]),
        "return_url": _is_loopback(order.return_url),
        "webhook_url": order.webhook_url == "" or _is_loopback(order.webhook_url),
        "description": _is_text(order.description, 500),
        "metadata": _is_metadata(order.metadata),
    }


def _is_amount(amount: object) -> bool:
    return type(amount) is int and 0 < amount <= MOST


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
