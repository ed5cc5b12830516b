"""The database of one run, and what was asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

#: How statements begin that begin or end a transaction, or a part of it.
TRANSACTION_CONTROL = (
    *("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"),
    *("SET TRANSACTION", "START TRANSACTION"),
)


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


class Sent(NamedTuple):
    """Statements, SQL and parameters, and whether they were one transaction."""

    statements: list[tuple[str, Any]]
    is_atomic: bool


def sent_by(run: Callable[[], object]) -> Sent:
    """What ``run`` sends; no BEGIN, COMMIT or savepoint, which stand in no recording."""
    statements: list[tuple[str, Any]] = []

    def remember(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(TRANSACTION_CONTROL):
            statements.append((sql, params))
        return execute(sql, params, many, context)

    with CaptureQueriesContext(connection) as captured, connection.execute_wrapper(remember):
        run()
    return Sent(statements, any(query["sql"].startswith("BEGIN") for query in captured))
