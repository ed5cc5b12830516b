"""Locks that work the same on SQLite, PostgreSQL, MariaDB and MySQL."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, transaction

P = ParamSpec("P")
R = TypeVar("R")

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


def _is_conflict(error: OperationalError) -> bool:
    cause = error.__cause__
    code = getattr(cause, "sqlstate", None) or (cause.args[0] if cause and cause.args else None)
    return code in _TRY_AGAIN or "database is locked" in str(error)
