"""What a process asks for seldom is imported when it asks: to start, it needs none of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.core import checks
from django.utils.module_loading import import_string

#: The tag of the kit's system checks.
TAG = "payments_ui"


@cache
def on_demand(path: str) -> Callable[..., Any]:
    """The function at this dotted path, imported when it is called; always the same object."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return import_string(path)(*args, **kwargs)

    return call


def register_checks(module: str, *names: str, tag: str = TAG, deploy: bool = False) -> None:
    """Register these functions of a module as system checks; once, however often it is called."""
    for name in names:
        checks.register(on_demand(f"{module}.{name}"), tag, deploy=deploy)
