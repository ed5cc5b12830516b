"""Making facts storable: money must never be lost because its evidence has an odd type."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

_DEEPEST = 8


def storable(value: object, depth: int = 0) -> object:
    """The value as plain JSON that every database takes; what is no JSON becomes text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {text(name): storable(item, depth + 1) for name, item in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [storable(item, depth + 1) for item in _ordered(value)]
    return text(value)


def _ordered(values: Iterable[object]) -> Iterable[object]:
    return sorted(values, key=str) if isinstance(values, set | frozenset) else values


def text(value: object) -> str:
    """The value as text without the NUL that PostgreSQL refuses."""
    return str(value).replace("\x00", "")
