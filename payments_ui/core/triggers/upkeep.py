"""Seals come with the migrations, and are looked after from then on."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Info, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from payments_ui.conf import settings

from . import TriggersNotAllowedError, expected, install, installed, remove

logger = logging.getLogger("payments_ui")

LABEL = "payments_core"
_SINCE = (LABEL, "0001_initial")
HINT = (
    "Let a database user with the right to make triggers run `manage.py install_triggers`; a "
    "server that logs its changes asks for log_bin_trust_function_creators, too. Or set "
    'PAYMENTS_UI["TRIGGERS"] to False.'
)


def belong(using: str) -> bool:
    """Whether the tables that seals guard are in this database, and of a version that has them."""
    if not router.allow_migrate(using, LABEL, model_name="payment"):
        return False
    connection = connections[using]
    if MigrationLoader.migrations_module(LABEL)[0] is None:
        return "payments_core_payment" in connection.introspection.table_names()
    return _SINCE in MigrationRecorder(connection).applied_migrations()


def before_migrations(using: str, plan: Iterable[tuple[Any, bool]], **kwargs: Any) -> None:
    """SQLite changes tables by making new ones, which fails while triggers name the old."""
    ours = any(migration.app_label == LABEL for migration, _backwards in plan)
    if ours and connections[using].vendor == "sqlite":
        remove(connections[using])


def after_migrations(using: str, **kwargs: Any) -> None:
    """Put on what is missing, if the setting says so; where it may not be, say so and go on."""
    if not settings.TRIGGERS or not belong(using):
        return
    try:
        install(connections[using])
    except TriggersNotAllowedError as error:
        logger.warning("The database refuses the seals of the books: %s. %s", error, HINT)


@register(Tags.database)
def check_seals(databases: Iterable[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """The seals are on, or off, as the setting says. Runs with ``check --database``."""
    messages = (_check(using) for using in databases or () if belong(using))
    return [message for message in messages if message]


def _check(using: str) -> CheckMessage | None:
    connection = connections[using]
    there = installed(connection)
    missing = sorted(expected(connection) - there)
    if settings.TRIGGERS and missing:
        text = f"The database {using!r} lacks seals of the books: {', '.join(missing)}."
        hint = f"Run `manage.py install_triggers{_option(using)}`. {HINT}"
        return Warning(text, hint=hint, id="payments_ui.W050")
    if there and not settings.TRIGGERS:
        text = f"The database {using!r} has seals of the books, and nobody renews them."
        hint = f"`manage.py install_triggers --remove{_option(using)}` takes them off."
        return Info(text, hint=hint, id="payments_ui.I051")
    return None


def _option(using: str) -> str:
    return "" if using == DEFAULT_DB_ALIAS else f" --database {using}"
