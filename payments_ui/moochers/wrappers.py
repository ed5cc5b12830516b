"""Who puts moochers of another library behind the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from mooch.base import BaseMoocher

    from .base import Moocher

    #: The moocher behind the contract; ``None`` if it is not of the wrapper's library.
    Wrapper = Callable[[BaseMoocher], Moocher | None]

_paths: list[str] = []


def register(path: str) -> None:
    """Have listed moochers that are no ``Moocher`` wrapped by the function at this dotted path.

    ``AppConfig.ready`` calls it. Wrappers are imported together with the moochers, and asked in
    the order of their registration; the first answer counts.
    """
    if path not in _paths:
        _paths.append(path)


def registered() -> list[Wrapper]:
    """The wrappers, in the order of their registration."""
    return [import_string(path) for path in _paths]
