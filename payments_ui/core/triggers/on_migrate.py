"""Triggers come with ``migrate``."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.db import connections, router
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from payments_ui.conf import settings
from payments_ui.core.rules.rule import PAYMENT

from .installation import TriggersNotAllowedError, install, remove

logger = logging.getLogger("payments_ui")

LABEL = "payments_core"
HINT = (
    "Let a database user with the right to make triggers run `manage.py install_triggers`; a "
    "server that logs its changes asks for log_bin_trust_function_creators, too. Or set "
    'PAYMENTS_UI["TRIGGERS"] to False.'
)


def has_tables(using: str) -> bool:
    """Whether the tables of the books are in this database."""
    if not router.allow_migrate(using, LABEL, model_name="payment"):
        return False
    connection = connections[using]
    if MigrationLoader.migrations_module(LABEL)[0] is None:
        return PAYMENT in connection.introspection.table_names()
    return (LABEL, "0001_initial") in MigrationRecorder(connection).applied_migrations()


def before_migrations(using: str, plan: Iterable[tuple[Any, bool]], **kwargs: Any) -> None:
    """Drop the triggers of SQLite: it changes tables by making new ones, which they forbid."""
    is_ours = any(migration.app_label == LABEL for migration, _backwards in plan)
    if is_ours and connections[using].vendor == "sqlite":
        remove(connections[using])


def after_migrations(using: str, **kwargs: Any) -> None:
    """Install what is missing if the setting says so; log a warning where it is not allowed."""
    if not settings.TRIGGERS or not has_tables(using):
        return
    try:
        install(connections[using])
    except TriggersNotAllowedError as error:
        logger.warning("The database refuses the triggers of the books: %s. %s", error, HINT)
