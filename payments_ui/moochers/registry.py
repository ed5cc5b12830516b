"""The moochers of the site, by identifier and in display order."""

from __future__ import annotations

from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from mooch.base import BaseMoocher

from payments_ui.conf import settings


def moochers() -> dict[str, BaseMoocher]:
    """All listed moochers by identifier, in the order of ``MOOCHERS``.

    Raises ``ImproperlyConfigured`` for a path that does not lead to a moocher and for an
    identifier that is used twice.
    """
    return _load(tuple(settings.MOOCHERS))


def get(identifier: str) -> BaseMoocher:
    """The moocher with this identifier; raises ``KeyError`` if none is listed."""
    return moochers()[identifier]


def sender(identifier: str) -> object:
    """The sender of ``post_charge``: the moocher, or its identifier if it is not listed."""
    return moochers().get(identifier, identifier)


@lru_cache(maxsize=32)
def _load(paths: tuple[str, ...]) -> dict[str, BaseMoocher]:
    found: dict[str, BaseMoocher] = {}
    for path in paths:
        moocher = _import(path)
        if moocher.identifier in found:
            raise ImproperlyConfigured(f"MOOCHERS: two moochers named {moocher.identifier!r}")
        found[moocher.identifier] = moocher
    return found


def _import(path: str) -> BaseMoocher:
    try:
        moocher = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"MOOCHERS: {path!r} does not import: {error}") from error
    if not isinstance(moocher, BaseMoocher):
        raise ImproperlyConfigured(f"MOOCHERS: {path!r} is not a moocher instance")
    return moocher
