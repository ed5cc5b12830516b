"""Isolation levels: what a verb reads after it took a lock has to be the latest.

PostgreSQL refuses to lock a row that a transaction has missed the change of, at every level, and
the verbs try again. MariaDB and MySQL do so at READ COMMITTED, Django's default, and SERIALIZABLE;
at REPEATABLE READ, the servers' own default, they go on and read what was there before.
"""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from payments_ui.exceptions import IsolationLevelError

_SERVED_BY_MYSQL = ("read committed", "serializable")
HINT = 'Set "isolation_level": "read committed" in the OPTIONS of the database, or leave it out.'


def unserved_level(connection: BaseDatabaseWrapper) -> str:
    """Return the isolation level of this connection if the kit does not serve it, else ""."""
    if connection.vendor != "mysql":
        return ""
    connection.ensure_connection()
    # Whatever Django sets when it connects; None leaves it to the server.
    level: str | None = getattr(connection, "isolation_level", None)
    if level is None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SHOW VARIABLES WHERE variable_name IN ('tx_isolation', 'transaction_isolation')"
            )
            level = str(cursor.fetchone()[1]).replace("-", " ").lower()
            connection.isolation_level = level  # type: ignore[attr-defined]
    return "" if level in _SERVED_BY_MYSQL else level


def require_served_level(using: str) -> None:
    """Raise ``IsolationLevelError`` where a lock would not show what others have written."""
    if level := unserved_level(connections[using]):
        raise IsolationLevelError(f"The database {using!r} has the isolation level {level}. {HINT}")
