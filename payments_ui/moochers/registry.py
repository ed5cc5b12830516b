"""The moochers of the site, by identifier and in display order."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from mooch.base import BaseMoocher

from payments_ui.conf import settings

from . import wrappers
from .base import Moocher

if TYPE_CHECKING:
    from payments_ui.core.models import Attempt, PaymentMethod

#: It is a part of URLs, and of the books.
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
#: Names in the books of what charges without a moocher.
RESERVED = frozenset({"balance", "manual", "unknown"})


def moochers() -> dict[str, Moocher]:
    """All listed moochers by identifier, in the order of ``MOOCHERS``, wrapped where needed.

    Raises ``ImproperlyConfigured`` for a path that leads to no moocher, for a moocher that
    neither keeps the contract nor has a wrapper, and for an identifier that is used twice,
    reserved, or cannot be a part of a URL.
    """
    return _load(tuple(settings.MOOCHERS))


def keeper_of(method: PaymentMethod) -> Moocher | None:
    """The moocher whose PSP keeps it: the one that saved it, or another at the same account.

    One that saves nothing any more comes last: what was kept is still to be given up.
    """
    kept_at = method.psp_customer.kept_at
    listed = moochers()
    candidates = (listed.get(method.moocher), *listed.values())
    there = (each for each in candidates if each is not None and each.keeps_at == kept_at)
    return min(there, key=lambda each: not each.can_save, default=None)


def serving(attempt: Attempt) -> Moocher | None:
    """The moocher that works today as the attempt was asked: same account, same mode."""
    moocher = moochers().get(attempt.moocher)
    if moocher is None or not moocher.serves(attempt.account, live=attempt.live):
        return None
    return moocher


def sender(identifier: str) -> object:
    """The sender of ``post_charge``: the moocher as the site made it, else its identifier."""
    moocher = moochers().get(identifier)
    return identifier if moocher is None else moocher.original


@lru_cache(maxsize=32)
def _load(paths: tuple[str, ...]) -> dict[str, Moocher]:
    found: dict[str, Moocher] = {}
    for path in paths:
        listed = _import(path)
        wrapped = (wrapper(listed) for wrapper in wrappers.registered())
        moocher = (
            listed
            if isinstance(listed, Moocher)
            else next((each for each in wrapped if each is not None), None)
        )
        if moocher is None:
            raise ImproperlyConfigured(
                f"MOOCHERS: {path!r} is a {type(listed).__name__}, which is no "
                "payments_ui.moochers.base.Moocher, and no wrapper for it is registered"
            )
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
    identifier = str(moocher.identifier or "")
    if not _IDENTIFIER.fullmatch(identifier) or identifier in RESERVED:
        raise ImproperlyConfigured(
            f"MOOCHERS: {path!r} has the identifier {identifier!r}; it takes letters, digits, "
            f"_ . and -, and none of {', '.join(sorted(RESERVED))}"
        )
    return moocher
