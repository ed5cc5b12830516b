"""What the parameters of calls have to look like."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from payments_ui.testing.psp.http import ApiError, Request, loopback_url

_REFERENCE = re.compile(r"[!-~]{1,255}", re.ASCII)
_LARGEST_AMOUNT = 10**12


def require(data: dict[str, Any], required: set[str], optional: set[str]) -> None:
    """Raise ApiError 400 for the first parameter that is missing or unknown."""
    unknown = sorted(set(data) - required - optional)
    for parameter in unknown + sorted(required - set(data)):
        raise ApiError(400, "invalid_parameter", f"Unknown or missing parameter: {parameter[:50]}.")


def refuse_invalid(valid: dict[str, bool]) -> None:
    """Raise ApiError 400 for the first parameter that is not valid."""
    for parameter, is_valid in valid.items():
        if not is_valid:
            raise ApiError(400, "invalid_parameter", f"Invalid parameter: {parameter}.")


def reference_to_close(request: Request) -> str:
    """Return the reference that is to be closed; ApiError 400 without a valid one."""
    reference: str = request.json().get("reference", "")
    refuse_invalid({"reference": is_reference(reference)})
    return reference


def idempotency_key(request: Request) -> str:
    """Return the idempotency key; ApiError 400 without a valid one."""
    key = request.headers.get("idempotency-key", "")
    if not is_reference(key):
        raise ApiError(400, "invalid_key", "The header Idempotency-Key is missing or wrong.")
    return key


def is_reference(value: object) -> bool:
    """Tell whether it is 1 to 255 printable ASCII characters without spaces."""
    return matches(_REFERENCE, value)


def is_amount(value: object) -> bool:
    """Tell whether it is a positive integer of a sensible size."""
    return type(value) is int and 0 < value <= _LARGEST_AMOUNT


def matches(pattern: str | re.Pattern[str], value: object) -> bool:
    """Tell whether it is a text that the pattern matches as a whole."""
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def is_loopback(url: object) -> bool:
    """Tell whether it is a URL on this machine."""
    try:
        loopback_url(url)
    except ValueError:
        return False
    return True


def is_text(value: object, longest: int) -> bool:
    """Tell whether it is a text that can be stored and shown.

    Control characters and lone surrogates pass as JSON, and are refused here.
    """
    if not isinstance(value, str) or len(value) > longest:
        return False
    return not any(unicodedata.category(char) in {"Cc", "Cs"} for char in value)


def is_metadata(value: object) -> bool:
    """Tell whether it is an object of at most 20 short texts."""
    if not isinstance(value, dict) or len(value) > 20:
        return False
    return all(is_text(name, 50) and is_text(text, 500) for name, text in value.items())
