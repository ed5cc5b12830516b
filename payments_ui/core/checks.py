"""System checks of the settings, which hold for a site without the interface, too."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, register
from django.db import DEFAULT_DB_ALIAS, router
from django.utils.functional import Promise

from payments_ui import conf, money

from .models import Payment

TAG = "payments_ui"


class Rule(NamedTuple):
    """What a setting must be, in code and in words."""

    is_valid: Callable[[Any], bool]
    words: str


def _is_text(value: Any) -> bool:
    return isinstance(value, str | Promise)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(lowest: int, highest: int) -> Rule:
    def check(value: Any) -> bool:
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        return is_integer and lowest <= value <= highest

    return Rule(check, f"a whole number from {lowest} to {highest}")


def _is_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(path, str) for path in value)


def _is_classes(value: Any) -> bool:
    # Which presets and slots there are is a matter of the interface.
    if isinstance(value, Mapping):
        return all(isinstance(text, str) for pair in value.items() for text in pair)
    return isinstance(value, str)


_TEXT = Rule(_is_text, "a text")
_FLAG = Rule(_is_flag, "True or False")
RULES: Mapping[str, Rule] = {
    "CURRENCY": Rule(money.is_currency, 'the ISO 4217 code of a currency, as in "CHF"'),
    "MOOCHERS": Rule(_is_texts, "a list of dotted paths to moocher instances"),
    "BASE_TEMPLATE": Rule(lambda value: bool(value) and _is_text(value), "a template's name"),
    "PAYEE": _TEXT,
    "PAYEE_ADDRESS": _TEXT,
    "LIVE": _FLAG,
    "LIVE_INTERVAL": _is_number(1, 86_400),
    "PAGE_SIZE": _is_number(1, 100),
    "CSS": Rule(
        lambda value: value is False or value in ("default", "layer"),
        '"default", "layer" or False',
    ),
    "CLASSES": Rule(_is_classes, "a preset's name, or a dict from slot to CSS classes"),
    "HX_NONCE": _FLAG,
    "ALLOW_SANDBOX": _FLAG,
    "ATTEMPTS_PER_HOUR": _is_number(1, 1_000_000),
    "PENDING_DAYS": _is_number(1, 3650),
    "TRANSFER_DAYS": _is_number(1, 3650),
    "FORM_MAX_AGE": _is_number(1, 31_536_000),
    "FORM_PACK": _TEXT,
    "TRIGGERS": _FLAG,
}


@register(TAG)
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """``PAYMENTS_UI`` is a dict of known keys with values that can work."""
    given = getattr(django_settings, "PAYMENTS_UI", None)
    if given is None:
        return []
    if not isinstance(given, Mapping):
        text = f"PAYMENTS_UI is a {type(given).__name__}."
        hint = 'Make it a dict, as in PAYMENTS_UI = {"CURRENCY": "CHF"}.'
        return [Error(text, hint=hint, id="payments_ui.E001")]
    return [message for key, value in given.items() for message in _check(key, value)]


@register(TAG)
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """The books are in the default database, in whose transactions their locks last."""
    alias = router.db_for_write(Payment)
    if alias == DEFAULT_DB_ALIAS:
        return []
    text = f"The books are routed to the database {alias!r}."
    hint = f'Route the app "payments_core" to {DEFAULT_DB_ALIAS!r}, where locks are taken.'
    return [Error(text, hint=hint, id="payments_ui.E005")]


def _check(key: str, value: Any) -> Iterable[CheckMessage]:
    if key not in conf.KNOWN:
        text, hint = f"PAYMENTS_UI has an unknown key {key!r}.", nearest(str(key), conf.KNOWN)
        yield Error(text, hint=hint, id="payments_ui.E002")
    elif not RULES[key].is_valid(value):
        id_ = "payments_ui.E004" if key == "CURRENCY" else "payments_ui.E003"
        text = f"PAYMENTS_UI[{key!r}] is {value!r}."
        yield Error(text, hint=f"It has to be {RULES[key].words}.", id=id_)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known name, or all of them."""
    names = sorted(known)
    folded = {other.casefold(): other for other in names}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f"Did you mean {folded[near[0]]!r}?" if near else f"Known are {', '.join(names)}."
