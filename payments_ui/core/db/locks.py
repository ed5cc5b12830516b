"""Locks that work the same on SQLite, PostgreSQL, MariaDB and MySQL."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, OperationalError, connections, models, transaction
from django.db.models import F
from django.db.models.sql import UpdateQuery

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
                if transaction.get_connection().in_atomic_block or not _is_conflict(error):
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


def lock_row(rows: models.QuerySet[M], column: str) -> M | None:
    """Lock the one row that is among these until the transaction ends; return it as stored then.

    ``None`` if there is none. By a write that changes nothing, ``column`` to itself, and that
    returns the row; SQLite ignores ``SELECT FOR UPDATE``, which is all that MariaDB and MySQL can
    do in one statement. Raises ``IsolationLevelError``.
    """
    using = rows.db
    require_served_level(using)
    connection: Any = connections[using]
    if connection.vendor == "mysql":  # runs on MariaDB only
        return rows.select_for_update().first()
    if not connection.features.can_return_columns_from_insert:
        # SQLite before 3.35. By the key alone: it is what was locked, whatever it is like now.
        keys = list(rows.values_list("pk", flat=True)[:1])
        locked = models.QuerySet.update(rows, **{column: F(column)})
        return rows.model._base_manager.using(using).get(pk=keys[0]) if locked else None
    query = rows.query.chain(UpdateQuery)
    query.add_update_values({column: F(column)})  # type: ignore[attr-defined]
    compiler = query.get_compiler(using)
    fields = rows.model._meta.concrete_fields
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        # Django knows without asking that these are none.
        return None
    returned = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} RETURNING {returned}", params)
        found = cursor.fetchall()
    read = compiler.get_converters([field.get_col(rows.model._meta.db_table) for field in fields])
    names = [str(field.attname) for field in fields]
    for values in compiler.apply_converters(found, read) if read else found:
        return rows.model.from_db(using, names, values)
    return None


def _is_conflict(error: OperationalError) -> bool:
    cause = error.__cause__
    code = getattr(cause, "sqlstate", None) or (cause.args[0] if cause and cause.args else None)
    return code in _TRY_AGAIN or "database is locked" in str(error)
