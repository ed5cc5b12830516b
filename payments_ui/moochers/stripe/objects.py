"""Reading Stripe's objects strictly: what is missing, or of another kind, is no answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from payments_ui.exceptions import MoocherError
from payments_ui.moochers import answers

#: Shapes of ids, by what Stripe calls the object. They become parts of URLs, and of the books.
IDS = {
    kind: re.compile(rf"(?:{prefixes})_[A-Za-z0-9_]{{4,240}}", re.ASCII)
    for kind, prefixes in {
        "charge": "ch|py",
        "checkout.session": "cs",
        "confirmation_token": "ctoken",
        "customer": "cus",
        "dispute": "dp|du",
        "event": "evt",
        "mandate": "mandate",
        "payment_intent": "pi",
        "payment_method": "pm|card|src|ba",
        "radar.early_fraud_warning": "issfr",
        "refund": "re|pyr",
        "setup_intent": "seti",
    }.items()
}
#: Where Stripe keeps what is ours: which row asked, by which moocher, with which key.
ATTEMPT, REFUND, METHOD, MOOCHER, KEY = "attempt", "refund", "method", "moocher", "key"
_CURRENCY = re.compile(r"[a-z]{3}", re.ASCII)


def checked_id(kind: str, found: object) -> str:
    """An id of this kind; raises ``MoocherError`` for anything else."""
    if not isinstance(found, str) or not IDS[kind].fullmatch(found):
        raise MoocherError(f"This is not the id of a {kind} at Stripe")
    return found


def checked(kind: str, found: object, *, live: bool) -> Mapping[str, Any]:
    """The object; raises ``MoocherError`` unless it is a whole one of this kind and mode."""
    if not isinstance(found, Mapping) or found.get("object") != kind:
        raise MoocherError(f"Stripe answered with something else than a {kind}")
    checked_id(kind, found.get("id"))
    # Refunds alone do not say it.
    if kind != "refund" and found.get("livemode") is not live:
        raise MoocherError(f"Stripe's {kind} is of another mode")
    return found


def text(found: Mapping[str, Any], name: str) -> str:
    """A field that is a text, empty where Stripe has none. Raises ``MoocherError``."""
    value = found.get(name)
    if value is not None and not isinstance(value, str):
        raise MoocherError(f"Stripe's {name} is no text")
    return value or ""


def integer(found: Mapping[str, Any], name: str) -> int:
    """A field that is a whole number. Raises ``MoocherError``."""
    value = found.get(name)
    if type(value) is not int:
        raise MoocherError(f"Stripe's {name} is no whole number")
    return value


def currency(found: Mapping[str, Any]) -> str:
    """The currency in capitals, any code of three letters. Raises ``MoocherError``."""
    value = found.get("currency")
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise MoocherError("Stripe's currency is none")
    return value.upper()


def reference(found: Mapping[str, Any], name: str, kind: str) -> str | None:
    """The id in a field that holds one or the whole object, ``None`` where it is empty."""
    value = found.get(name)
    if isinstance(value, Mapping):
        value = value.get("id")
    return None if value is None else checked_id(kind, value)


def ours(found: Mapping[str, Any], name: str) -> UUID | None:
    """The id of our row that the metadata names, if it does."""
    return answers.uuid(answers.part(found, "metadata"), name)


def require_ours(found: Mapping[str, Any], name: str, pk: object) -> None:
    """Raise ``MoocherError`` unless the metadata names this row of ours."""
    if ours(found, name) != pk:
        raise MoocherError(f"Stripe's answer does not name our {name}")


def require_same(found: object, asked: str) -> None:
    """Raise ``MoocherError`` unless the answer is about the id that was asked about."""
    if found != asked:
        raise MoocherError("Stripe answered about something else than what it was asked about")
