"""The database is emptied after a test that commits, in a fiftieth of the time of Django's flush.

A flush empties each table, drops and makes the triggers that forbid it, and lets each app fill in
permissions and content types anew. Here SQLite's file becomes what `migrate` made; on a server the
tables that hold rows lose them, and those triggers do not see it. What the flush of a site's own
suite does is in `tests/testing/test_flush.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from unittest.mock import patch

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

from payments_ui.core import tallies

#: Filled in by `migrate`.
KEPT = frozenset({"auth_permission", "django_content_type", "django_migrations"})
#: What Django does.
FLUSH = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
# How long a test's last thread may keep SQLite's file: looks, and seconds between them.
_LOOKS, _PAUSE = 400, 0.05

Empty = Callable[[], None]


@contextmanager
def instead_of_flushing() -> Iterator[None]:
    """Let tests that commit leave the database as `migrate` made it, within the block."""
    connection = connections[DEFAULT_DB_ALIAS]
    with _emptying(connection) as empty:

        def teardown(case: TransactionTestCase) -> None:
            names = case._databases_names(include_mirrors=False)  # type: ignore[attr-defined]
            assert names == [DEFAULT_DB_ALIAS], f"No test asks for {names}"
            empty()
            # As by the signal at the end of a flush: ids begin anew.
            tallies.forget_all()

        with patch.object(TransactionTestCase, "_fixture_teardown", teardown):
            yield


@contextmanager
def _emptying(connection: BaseDatabaseWrapper) -> Iterator[Empty]:
    if connection.vendor != "sqlite":
        kept = connection.introspection.django_table_names(only_existing=True, include_views=False)
        tables = sorted(set(kept) - KEPT)
        yield partial(_empty_server, connection, tables)
        return
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as made:
        connection.ensure_connection()
        connection.connection.backup(made)
        yield partial(_empty_sqlite, connection, made)


def _empty_sqlite(connection: BaseDatabaseWrapper, made: sqlite3.Connection) -> None:
    looks = 0

    def look(status: int, remaining: int, total: int) -> None:
        nonlocal looks
        looks += 1
        if looks > _LOOKS:
            raise OperationalError("A thread that the test has left keeps the database.")

    connection.ensure_connection()
    made.backup(connection.connection, progress=look, sleep=_PAUSE)


def _empty_server(connection: BaseDatabaseWrapper, tables: list[str]) -> None:
    names = [connection.ops.quote_name(table) for table in tables]
    holds = ", ".join(f"EXISTS (SELECT 1 FROM {name})" for name in names)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {holds}")
        full = [name for name, holds in zip(names, cursor.fetchone(), strict=True) if holds]
    if connection.vendor == "postgresql":
        _delete(connection, full)
    else:
        _truncate(connection, full)


def _delete(connection: BaseDatabaseWrapper, names: list[str]) -> None:
    # A superuser may. A TRUNCATE makes new files, and waits for the disk.
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in names:
            cursor.execute(f"DELETE FROM {name}")  # noqa: S608


def _truncate(connection: BaseDatabaseWrapper, names: list[str]) -> None:
    # The test's connection is closed after it, and with it this setting.
    with connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        for name in names:
            cursor.execute(f"TRUNCATE {name}")
