"""Parameters of calls: form fields with brackets, as `metadata[key]=1` and `expand[0]=customer`."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl

from .errors import StripeError, required, unknown

Params = dict[str, Any]

_MOST = 500
_DEEPEST = 8
_NAME = re.compile(r"(\w+)((?:\[\w*\])*)", re.ASCII)


def decode(text: str) -> Params:
    """Return form fields as nested objects and lists; StripeError for what is no such form."""
    decoded: Params = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST, errors="strict")
    except ValueError as error:
        raise StripeError("The parameters cannot be read.") from error
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        keys = [match[1], *re.findall(r"\[(\w*)\]", match[2])] if match else []
        if not 0 < len(keys) <= _DEEPEST:
            raise unknown(name)
        place = decoded
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise unknown(name)
        # `expand[]=a&expand[]=b` is a list as well.
        place[keys[-1] or str(len(place))] = value
    return {key: _with_lists(value) for key, value in decoded.items()}


def check_names(params: Params, takes: Collection[str], prefix: str = "") -> None:
    """Refuse every parameter that is not named in `takes`, as `card.number` or `metadata.*`."""
    for key, value in params.items():
        name = f"{prefix}{key}"
        if f"{name}.*" in takes or (name in takes and not isinstance(value, dict)):
            continue
        inner = f"{name}."
        if not any(taken.startswith(inner) for taken in takes):
            raise unknown(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                check_names(one, takes, inner)
            elif one != "":
                raise StripeError("Invalid object", param=name)


def text(params: Params, name: str, longest: int = 1000) -> str | None:
    """Return a text, or None where it is left out or unset."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise StripeError(f"Invalid string for {name}.", param=name)
    return value


def needed(params: Params, name: str) -> str:
    """Return a text that has to be there."""
    value = text(params, name)
    if value is None:
        raise required(name)
    return value


def flag(params: Params, name: str, *, default: bool = False) -> bool:
    """Return a boolean."""
    value = params.get(name)
    if value in {None, ""}:
        return default
    if value not in {"true", "false"}:
        raise StripeError(f"Invalid boolean: {name}", code="parameter_invalid_boolean", param=name)
    return bool(value == "true")


def integer(params: Params, name: str) -> int | None:
    """Return a whole number, or None where it is left out."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,15}", value):
        code = "parameter_invalid_integer"
        raise StripeError(f"Invalid integer: {str(value)[:50]}", code=code, param=name)
    return int(value)


def choice(params: Params, name: str, choices: Collection[str]) -> str | None:
    """Return one of the choices, or None where it is left out."""
    value = text(params, name)
    if value is not None and value not in choices:
        listed = ", ".join(choices)
        raise StripeError(f"Invalid {name}: must be one of {listed}", param=name)
    return value


def names(params: Params, name: str) -> list[str]:
    """Return a list of texts."""
    value = params.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise StripeError("Invalid array", param=name)
    return list(value)


def mapping(params: Params, name: str) -> Params:
    """Return a nested object, empty where it is left out or unset."""
    value = params.get(name)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise StripeError("Invalid object", param=name)
    return value


def metadata(params: Params, before: dict[str, str] | None = None) -> dict[str, str]:
    """Return metadata: what was there `before`, with what is given; empty values remove keys."""
    if params.get("metadata") == "":
        return {}
    merged: Params = {} if before is None else dict(before)
    merged |= mapping(params, "metadata")
    for key, value in merged.items():
        if not isinstance(value, str) or len(key) > 40 or len(value) > 500:
            text = "Metadata keys have up to 40 characters, and values up to 500."
            raise StripeError(text, param=f"metadata[{key[:40]}]")
    kept = {key: value for key, value in merged.items() if value}
    if len(kept) > 50:
        raise StripeError("You can specify up to 50 keys in metadata.", param="metadata")
    return kept


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _with_lists(one) for key, one in value.items()}
