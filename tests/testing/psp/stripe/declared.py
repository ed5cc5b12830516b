"""What stripe-python declares: the fields of its classes, and the parameters of its calls."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from inspect import get_annotations
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

from stripe import StripeObject
from stripe._object_classes import OBJECT_CLASSES, get_object_class

_FREE = ("UntypedStripeObject", "Dict[")


def wrong(answer: Any, cls: type[StripeObject] | None = None, at: str = "") -> Iterator[str]:
    """Yield a sentence for each field of an answer that its class does not declare like that."""
    name = answer.get("object")
    if isinstance(name, str) and name in OBJECT_CLASSES:
        cls = get_object_class("V1", name)
    assert cls is not None, f"{at}: nothing declares {answer}"
    fields = _fields(cls)
    deleted = answer.get("deleted") is True
    for name, declared in fields.items():
        if name not in answer and not _may_be_none(declared) and not deleted:
            yield f"{at or cls.__name__}: {name} is missing"
    for name, value in answer.items():
        path = f"{at or cls.__name__}.{name}"
        if name not in {*fields, "object"}:
            yield f"{path} is not declared"
        elif name in fields:
            inner = cls._inner_class_types.get(name)
            for one in value if isinstance(value, list) else [value]:
                yield from _wrong_value(one, fields[name], inner, path)


def _wrong_value(
    value: Any, declared: Any, inner: type[StripeObject] | None, path: str
) -> Iterator[str]:
    if value is None:
        if not _may_be_none(declared):
            yield f"{path} is never null"
    elif isinstance(value, dict):
        if not any(free in str(declared) for free in _FREE):
            yield from wrong(value, inner, path)
    elif (choices := set(_literals(declared))) and value not in choices:
        yield f"{path} is never {value!r}"


def _fields(cls: type[StripeObject]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        if base is not StripeObject and issubclass(base, StripeObject):
            found = {**get_annotations(base), **found}
    return {
        name: declared
        for name, declared in found.items()
        if get_origin(declared) is not ClassVar and not name.startswith("_")
    }


def _may_be_none(declared: Any) -> bool:
    return "NotRequired" in str(declared) or (
        get_origin(declared) is Union and type(None) in get_args(declared)
    )


def _literals(declared: Any) -> Iterator[Any]:
    if get_origin(declared) is Literal:
        yield from get_args(declared)
    else:
        for one in get_args(declared):
            yield from _literals(one)


def takes(params: type, name: str) -> bool:
    """Tell whether the typed parameters of a call have one of this name, as `card.number`."""
    first, _, rest = name.partition(".")
    declared = params.__annotations__.get(first)
    if declared is None:
        return False
    if not rest:
        return True
    if rest == "*":
        return any(free in str(declared) for free in _FREE)
    module = sys.modules[params.__module__]
    inner = [getattr(module, one, None) for one in re.findall(r"\w+", str(declared))]
    return any(isinstance(one, type) and takes(one, rest) for one in inner)
