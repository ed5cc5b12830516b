"""System checks of the settings and the database, also for sites without the interface."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.utils.functional import Promise

from payments_ui import conf, money

from .db.isolation import HINT, unserved_level
from .models import Payment

TAG = "payments_ui"


class Rule(NamedTuple):
    """What a setting must be: a test of its value, and how the hint describes a valid one."""

    is_valid: Callable[[object], bool]
    expected: str


def _whole_number(lowest: int, highest: int) -> Rule:
    def is_valid(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest

    return Rule(is_valid, f"a whole number from {lowest} to {highest}")


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(path, str) for path in value)


def _is_classes(value: object) -> bool:
    # The interface checks the names of presets and slots.
    if isinstance(value, Mapping):
        return all(isinstance(text, str) for pair in value.items() for text in pair)
    return isinstance(value, str)


_TEXT = Rule(lambda value: isinstance(value, str | Promise), "a string")
_FLAG = Rule(lambda value: isinstance(value, bool), "True or False")
RULES: Mapping[str, Rule] = {
    "CURRENCY": Rule(money.is_currency, 'the ISO 4217 code of a currency, as in "CHF"'),
    "MOOCHERS": Rule(_is_list_of_strings, "a list of dotted paths to moocher instances"),
    "BASE_TEMPLATE": Rule(
        lambda value: bool(value) and _TEXT.is_valid(value), "the name of a template"
    ),
    "PAYEE": _TEXT,
    "PAYEE_ADDRESS": _TEXT,
    "LIVE": _FLAG,
    "LIVE_INTERVAL": _whole_number(1, 86_400),
    "PAGE_SIZE": _whole_number(1, 100),
    "CSS": Rule(
        lambda value: value is False or value in ("default", "layer"),
        '"default", "layer" or False',
    ),
    "CLASSES": Rule(_is_classes, "the name of a preset, or a dict from slots to CSS classes"),
    "HX_NONCE": _FLAG,
    "ALLOW_SANDBOX": _FLAG,
    "ATTEMPTS_PER_HOUR": _whole_number(1, 1_000_000),
    "PAYER": _TEXT,
    "PENDING_DAYS": _whole_number(1, 3650),
    "TRANSFER_DAYS": _whole_number(1, 3650),
    "FORM_MAX_AGE": _whole_number(1, 31_536_000),
    "FORM_PACK": _TEXT,
    "TRIGGERS": _FLAG,
}


@register(TAG)
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """``PAYMENTS_UI`` is a dict of known keys with valid values."""
    given = getattr(django_settings, "PAYMENTS_UI", None)
    if given is None:
        return []
    if not isinstance(given, Mapping):
        text = f"PAYMENTS_UI is a {type(given).__name__}."
        hint = 'Make it a dict, as in PAYMENTS_UI = {"CURRENCY": "CHF"}.'
        return [Error(text, hint=hint, id="payments_ui.E001")]
    problems: list[CheckMessage] = []
    for key, value in given.items():
        if key not in conf.KNOWN:
            text, hint = f"PAYMENTS_UI has an unknown key {key!r}.", nearest(str(key), conf.KNOWN)
            problems.append(Error(text, hint=hint, id="payments_ui.E002"))
        elif not RULES[key].is_valid(value):
            id_ = "payments_ui.E004" if key == "CURRENCY" else "payments_ui.E003"
            text, hint = f"PAYMENTS_UI[{key!r}] is {value!r}.", f"Set it to {RULES[key].expected}."
            problems.append(Error(text, hint=hint, id=id_))
    return problems


@register(TAG)
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """The books are in the default database, where the kit opens transactions and locks rows."""
    alias = router.db_for_write(Payment)
    if alias == DEFAULT_DB_ALIAS:
        return []
    text = f"DATABASE_ROUTERS send the books to the database {alias!r}."
    hint = f'Route the app "payments_core" to {DEFAULT_DB_ALIAS!r}, where the kit locks rows.'
    return [Error(text, hint=hint, id="payments_ui.E005")]


@register(Tags.database)
def check_isolation_level(
    databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Locks show the latest rows at the isolation level. Runs with ``check --database``."""
    alias = router.db_for_write(Payment)
    level = unserved_level(connections[alias]) if alias in (databases or ()) else ""
    if not level:
        return []
    text = f"The database {alias!r} has the isolation level {level}; the kit refuses to pay at it."
    return [Error(text, hint=HINT, id="payments_ui.E006")]


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint with the most similar of the known names, or with all of them."""
    names = sorted(known)
    folded = {other.casefold(): other for other in names}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f"Did you mean {folded[near[0]]!r}?" if near else f"Known names: {', '.join(names)}."
