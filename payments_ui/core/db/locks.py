"""Locks that work the same on SQLite, PostgreSQL, MariaDB and MySQL."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, connections, models

from payments_ui.exceptions import TransactionRequiredError

from . import rows
from .isolation import require_served_level

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=models.Model)

_TRIES = 5
# PostgreSQL's SQLSTATEs, then MySQL's and MariaDB's error numbers: serialization failure
# or deadlock, in which the database rolled everything back and asks to try again.
_TRY_AGAIN = {"40001", "40P01", 1213, 1205}


def retrying(function: Callable[P, R]) -> Callable[P, R]:
    """Run again, at most five times, when the database rolled back for a lock conflict.

    Only for functions without effects outside the database. Inside a transaction of the
    caller it runs once: there the whole transaction would have to be repeated.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(1, _TRIES):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                if _was_in_transaction() or not _is_conflict(error):
                    raise
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter
        return function(*args, **kwargs)

    return wrapper


def second_look(function: Callable[P, R]) -> Callable[P, R]:
    """Run once more after an ``IntegrityError``: what another process wrote is visible then."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except IntegrityError:
            return function(*args, **kwargs)

    return wrapper


def lock_row(model: type[M], pk: Any, column: str, using: str) -> M | None:
    """Lock the row with this primary key until the transaction ends; return it as stored then.

    ``None`` if there is none. By a write that changes nothing, ``column`` to itself, and that
    returns the row; SQLite ignores ``SELECT FOR UPDATE``, which is all that MariaDB and MySQL can
    do in one statement. Raises ``TransactionRequiredError`` and ``IsolationLevelError``.
    """
    connection: Any = connections[using]
    if not connection.in_atomic_block:
        raise TransactionRequiredError(
            f"A row of {model._meta.db_table} is locked in a transaction: use transaction.atomic()"
        )
    require_served_level(using)
    key: Any = model._meta.pk
    with connection.cursor() as cursor:
        for sql in _lock_sql(model, column, using, _way(connection)):
            cursor.execute(sql, [key.get_db_prep_value(pk, connection)])
        row = cursor.fetchone()
    return None if row is None else rows.instance(model, row, using)


def _way(connection: Any) -> str:
    """How this database locks and returns a row."""
    if connection.vendor == "mysql":  # runs on MariaDB only
        return "select"
    # SQLite returns from 3.35 on.
    return "return" if connection.features.can_return_columns_from_insert else "write and read"


@lru_cache(maxsize=8)
def _lock_sql(model: type[models.Model], column: str, using: str, way: str) -> tuple[str, ...]:
    table, key, columns = model._meta.db_table, model._meta.pk.column, rows.columns(model, using)
    # ruff: noqa: S608 - only our own tables' names go in
    read, write = f"SELECT {columns} FROM {table}", f"UPDATE {table} SET {column} = {column}"
    which = f"WHERE {key} = %s"
    return {
        "select": (f"{read} {which} FOR UPDATE",),
        "return": (f"{write} {which} RETURNING {columns}",),
        "write and read": (f"{write} {which}", f"{read} {which}"),
    }[way]


def _was_in_transaction() -> bool:
    """Whether the database that said no, whichever it is, said it within the caller's."""
    open_ones = connections.all(initialized_only=True)
    return any(each.in_atomic_block and each.errors_occurred for each in open_ones)


def _is_conflict(error: OperationalError) -> bool:
    cause = error.__cause__
    code = getattr(cause, "sqlstate", None) or (cause.args[0] if cause and cause.args else None)
    return code in _TRY_AGAIN or "database is locked" in str(error)
