"""System checks of the settings and the database, also for sites without the interface."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.utils.functional import Promise

from payments_ui import conf, money
from payments_ui.exceptions import InvalidAmountError

from .db.isolation import HINT, unserved_level
from .models import Payment


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


def _is_amounts(value: object) -> bool:
    if not isinstance(value, Mapping) or not all(map(money.is_currency, value)):
        return False
    try:
        return all(money.exact_amount(amount) >= 0 for amount in value.values())
    except InvalidAmountError:
        return False


def _is_address(value: object) -> bool:
    parts = urlsplit(value) if isinstance(value, str) else None
    return value == "" or bool(parts and parts.scheme in ("http", "https") and parts.netloc)


def _is_days(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_whole_number(1, 60).is_valid, value))


def _is_hours(value: object) -> bool:
    if not isinstance(value, list | tuple) or not all(map(_whole_number(0, 24).is_valid, value)):
        return False
    return len(value) == 2 and value[0] < value[1]


def _is_limits(value: object) -> bool:
    is_whole = _whole_number(1, 366).is_valid
    return isinstance(value, Mapping) and all(is_whole(n) for pair in value.items() for n in pair)


def _is_rates(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(rate, int | float) and rate > 0
        for name, rate in value.items()
    )


def _is_classes(value: object) -> bool:
    # The interface checks the names of presets and slots.
    if isinstance(value, Mapping):
        return all(isinstance(text, str) for pair in value.items() for text in pair)
    return isinstance(value, str)


def _is_help(value: object) -> bool:
    # Not //: that is another site's.
    known = re.compile(r"(?:https?:|mailto:|tel:|/(?!/))\S*", re.IGNORECASE | re.ASCII)
    # A lazy one may reverse a URL, which it cannot yet.
    return isinstance(value, Promise) or (
        isinstance(value, str) and (not value or known.fullmatch(value) is not None)
    )


_TEXT = Rule(lambda value: isinstance(value, str | Promise), "a string")
_PATH = Rule(lambda value: isinstance(value, str) and "." in value, "the dotted path of a function")
_AMOUNTS = Rule(_is_amounts, 'a dict from currencies to amounts, as in {"CHF": "5.00"}')
_FLAG = Rule(lambda value: isinstance(value, bool), "True or False")
RULES: Mapping[str, Rule] = {
    "CURRENCY": Rule(money.is_currency, 'the ISO 4217 code of a currency, as in "CHF"'),
    "MOOCHERS": Rule(_is_list_of_strings, "a list of dotted paths to moocher instances"),
    "BASE_TEMPLATE": Rule(
        lambda value: bool(value) and _TEXT.is_valid(value), "the name of a template"
    ),
    "PAYEE": _TEXT,
    "HELP_URL": Rule(_is_help, 'a path or URL, as in "/contact/" or "mailto:us@example.com"'),
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
    "ASK_UNATTENDED": _FLAG,
    "ATTEMPTS_PER_HOUR": _whole_number(1, 1_000_000),
    "PAYER": _TEXT,
    "BASE_URL": Rule(_is_address, 'the address of the site, as in "https://shop.example"'),
    "PROCESSORS": Rule(_is_list_of_strings, "a list of dotted paths to processors"),
    "BILLING_SCHEDULE": _PATH,
    "RUN_BATCH": _whole_number(1, 10_000),
    "RUN_LEASE": _whole_number(1, 86_400),
    "RUN_TIME_BOX": _whole_number(0, 86_400),
    "RUN_BACKEND": _TEXT,
    "RUN_QUEUE": _TEXT,
    "RATE_LIMITS": Rule(_is_rates, 'a dict from moochers to numbers, as in {"stripe": 80}'),
    "RATE_LIMIT_CACHE": _TEXT,
    "BILLING_MINIMUM": _AMOUNTS,
    "BILLING_AMOUNT": _AMOUNTS,
    "CHARGE_INACTIVE": _FLAG,
    "RETRY_AFTER_DAYS": Rule(_is_days, "a list of whole days from 1 to 60, as in (3, 5, 6)"),
    "RETRY_HOURS": Rule(_is_hours, "two hours of the day, as in (8, 20)"),
    "CARD_LIMITS": Rule(_is_limits, "a dict from days to tries, as in {1: 4, 30: 15}"),
    "CHARGE_NOTICE": _PATH,
    "MAILS": Rule(
        lambda value: _is_list_of_strings(value) and set(value) <= set(conf.MAILS),  # type: ignore[call-overload]
        f"a list of {', '.join(conf.MAILS)}",
    ),
    "LANGUAGE_OF": _TEXT,
    "LINK_DAYS": _whole_number(1, 90),
    "TIME_ZONE_OF": _TEXT,
    "PENDING_DAYS": _whole_number(1, 3650),
    "TRANSFER_DAYS": _whole_number(1, 3650),
    "TRANSFER_TOLERANCE": _whole_number(0, 1_000_000),
    "KEEP_DAYS": _whole_number(90, 36_500),
    "FORM_MAX_AGE": _whole_number(1, 31_536_000),
    "FORM_PACK": _TEXT,
    "TRIGGERS": _FLAG,
}


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


def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """The middleware of the interface comes with the interface."""
    if apps.is_installed("payments_ui"):
        return []
    return [
        Warning(
            f"{path!r} is in MIDDLEWARE, and 'payments_ui' is not in INSTALLED_APPS.",
            hint='Add "payments_ui" to INSTALLED_APPS, or take the middleware out: the core alone'
            " has no pages and asks no payment service.",
            id="payments_ui.W033",
        )
        for path in django_settings.MIDDLEWARE
        if path.startswith("payments_ui.")
    ]


def check_database(**kwargs: Any) -> list[CheckMessage]:
    """The books are in the default database, where the kit opens transactions and locks rows."""
    alias = router.db_for_write(Payment)
    if alias == DEFAULT_DB_ALIAS:
        return []
    text = f"DATABASE_ROUTERS send the books to the database {alias!r}."
    hint = f'Route the app "payments_core" to {DEFAULT_DB_ALIAS!r}, where the kit locks rows.'
    return [Error(text, hint=hint, id="payments_ui.E005")]


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
