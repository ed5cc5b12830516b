"""The moochers of the site, by identifier and in display order."""

from __future__ import annotations

import re
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from mooch.base import BaseMoocher

from payments_ui.conf import settings
from payments_ui.mooch.moocher import Foreign, wrap

from .base import Moocher

#: It is a part of URLs, and of the books.
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
#: Who settles where no moocher does.
RESERVED = frozenset({"balance", "manual", "unknown"})


def moochers() -> dict[str, Moocher]:
    """All listed moochers by identifier, in the order of ``MOOCHERS``.

    Those of django-mooch are wrapped into the kit's contract.

    Raises ``ImproperlyConfigured`` for a path that does not lead to a moocher, and for an
    identifier that is used twice or cannot be a part of a URL.
    """
    return _load(tuple(settings.MOOCHERS))


def get(identifier: str) -> Moocher:
    """The moocher with this identifier; raises ``KeyError`` if none is listed."""
    return moochers()[identifier]


def sender(identifier: str) -> object:
    """The sender of ``post_charge``: the moocher as the site made it.

    Its identifier if it is not listed (any more).
    """
    moocher = moochers().get(identifier)
    return identifier if moocher is None else getattr(moocher, "inner", moocher)


def wrapper_of(inner: object) -> Foreign | None:
    """The wrapper of a listed moocher of django-mooch, found by the object itself."""
    wrappers = (moocher for moocher in moochers().values() if isinstance(moocher, Foreign))
    return next((wrapper for wrapper in wrappers if wrapper.inner is inner), None)


@lru_cache(maxsize=32)
def _load(paths: tuple[str, ...]) -> dict[str, Moocher]:
    found: dict[str, Moocher] = {}
    for path in paths:
        moocher = _import(path)
        if moocher.identifier in found:
            raise ImproperlyConfigured(f"MOOCHERS: two moochers named {moocher.identifier!r}")
        found[moocher.identifier] = wrap(moocher)
    return found


def _import(path: str) -> BaseMoocher:
    try:
        moocher = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"MOOCHERS: {path!r} does not import: {error}") from error
    if not isinstance(moocher, BaseMoocher):
        raise ImproperlyConfigured(f"MOOCHERS: {path!r} is not a moocher instance")
    identifier = str(moocher.identifier or "")
    if not _IDENTIFIER.fullmatch(identifier) or identifier in RESERVED:
        raise ImproperlyConfigured(
            f"MOOCHERS: {path!r} has the identifier {identifier!r}; it takes letters, digits, "
            f"_ . and -, and none of {', '.join(sorted(RESERVED))}"
        )
    return moocher
