"""The database of one run, what a query costs there, and what was asked of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

Statement = tuple[str, Any]


@contextmanager
def fresh() -> Iterator[None]:
    """Make the tables in a new database, and drop it at the end."""
    configured = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(configured, verbosity=0)


def name() -> str:
    """The database's product and version, as people call it."""
    product = getattr(connection, "display_name", connection.vendor)
    if connection.vendor == "mysql" and getattr(connection, "mysql_is_mariadb", False):
        product = "MariaDB"
    version = ".".join(str(part) for part in connection.get_database_version())
    return f"{product} {version}"


def tidy(*models: type[Model], analyze: bool = False) -> None:
    """Let the database put away what repeats left in these tables, as its housekeeping would.

    With ``analyze`` it also looks at what is in there now.
    """
    if connection.vendor == "postgresql":
        tables = ", ".join(model._meta.db_table for model in models)
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM {'ANALYZE ' if analyze else ''}{tables}")


def queries(run: Callable[[], object]) -> int:
    """Number of statements that ``run`` sends, BEGIN and COMMIT included."""
    with CaptureQueriesContext(connection) as captured:
        run()
    return len(captured)


def statements(run: Callable[[], object]) -> list[Statement]:
    """What ``run`` sends inside its transaction: SQL and parameters."""
    sent: list[Statement] = []

    def remember(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql != "BEGIN":
            sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(remember):
        run()
    return sent


class _Clock:
    """Adds up the processor time of what runs under it."""

    seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        started = time.process_time()
        try:
            yield
        finally:
            self.seconds += time.process_time() - started


class _ClockedCursor(CursorWrapper):
    """Clocks statements and the fetching of rows, in which SQLite still works."""

    def __init__(self, cursor: Any, clock: _Clock) -> None:
        super().__init__(cursor, connection)
        self._clock = clock

    def execute(self, sql: Any, params: Any = None) -> Any:
        with self._clock.running():
            return super().execute(sql, params)

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        return self._clock.running()(value) if callable(value) else value


def apart(run: Callable[[], object]) -> float:
    """Seconds of our own processor that ``run`` takes, those in the database left out.

    Not seconds on the clock: waiting for a server, or for a processor that others use, is not ours.
    """
    whole, statements_and_rows = _Clock(), _Clock()
    clocked = patch.object(
        connection, "make_cursor", lambda cursor: _ClockedCursor(cursor, statements_and_rows)
    )
    with clocked, whole.running():
        run()
    return whole.seconds - statements_and_rows.seconds
