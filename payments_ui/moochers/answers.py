"""What PSPs answer, read strictly: what is not as it has to be raises ``MoocherError``.

For adapters: objects of JSON, whose values may be anything.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from payments_ui import money
from payments_ui.exceptions import InvalidAmountError, MoocherError

Object = Mapping[str, Any]
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def text(found: Object, name: str) -> str:
    """Return a text, empty where there is none."""
    value = found.get(name)
    return value if isinstance(value, str) else ""


def part(found: Object, name: str) -> Object:
    """Return an object within, empty where there is none."""
    value = found.get(name)
    return value if isinstance(value, Mapping) else {}


def parts(found: Object, name: str) -> list[Object]:
    """Return a list of objects."""
    listed = found.get(name)
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise MoocherError(f"The answer has no list of {name}")
    return listed


def matching(pattern: re.Pattern[str], value: object) -> str:
    """Return a PSP's id, which becomes a part of URLs and of the books."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise MoocherError(f"No id of the PSP: {value!r:.60}")
    return value


def amount(value: object, currency: object) -> tuple[Decimal, str]:
    """Return an amount in units, given as text, with its currency.

    Any code of three capitals: money in one that the kit does not know is a mismatch, and kept.
    """
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise MoocherError("The answer has an amount without a valid currency")
    try:
        return money.payment_amount(value), currency
    except InvalidAmountError:
        raise MoocherError("The answer has no valid amount") from None


def moment(found: Object, name: str) -> dt.datetime:
    """Return a time in ISO 8601; without a zone it is UTC."""
    try:
        time = dt.datetime.fromisoformat(text(found, name))
    except ValueError:
        raise MoocherError(f"The answer has no valid {name}") from None
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)


def uuid(found: Object, name: str) -> UUID | None:
    """Return an id of ours, ``None`` where there is none."""
    try:
        return UUID(text(found, name))
    except ValueError:
        return None
