"""Making facts storable: money must never be lost because its evidence has an odd type."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from payments_ui.core.privacy.redaction import REMOVED, is_secret_name, redact

_DEEPEST = 8


def storable(value: object, depth: int = 0) -> object:
    """The value as plain JSON that every database takes; what is no JSON becomes text.

    Without card numbers, account numbers and secrets.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        clean = redact(str(value))
        return value if clean == str(value) else clean
    if isinstance(value, float) and math.isfinite(value):
        return value
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {text(name): _of(text(name), item, depth + 1) for name, item in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [storable(item, depth + 1) for item in _ordered(value)]
    return text(value)


def _of(name: str, value: object, depth: int) -> object:
    return REMOVED if is_secret_name(name) else storable(value, depth)


def _ordered(values: Iterable[object]) -> Iterable[object]:
    return sorted(values, key=str) if isinstance(values, set | frozenset) else values


def text(value: object) -> str:
    """The value as text that every database takes: no NUL, lone surrogates escaped, redacted."""
    plain = str(value).encode("utf-8", "backslashreplace").decode()
    return redact(plain.replace("\x00", ""))
