"""The database of one run, what a query costs there, and what was asked of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
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


def tidy() -> None:
    """Let the database put away what a repeat left behind, as its own housekeeping would."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


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


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Gives a function that says how many seconds the database has taken so far."""
    taken = 0.0

    def measure(execute: Any, *args: Any) -> Any:
        nonlocal taken
        started = time.perf_counter()
        try:
            return execute(*args)
        finally:
            taken += time.perf_counter() - started

    with connection.execute_wrapper(measure):
        yield lambda: taken
