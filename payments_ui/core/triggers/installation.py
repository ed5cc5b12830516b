"""Making triggers, dropping them, and saying which ones a database has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from types import ModuleType

from django.db import (
    DEFAULT_DB_ALIAS,
    OperationalError,
    ProgrammingError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from . import mysql, postgres, sqlite
from .compiler import EVENTS, Trigger

_MODULES: dict[str, ModuleType] = {"postgresql": postgres, "mysql": mysql, "sqlite": sqlite}
# MySQL and MariaDB: the server logs changes, or the user lacks the right.
_NOT_ALLOWED = frozenset({1142, 1227, 1419})


class TriggersNotAllowedError(Exception):
    """The database does not let this user make triggers; its text says why."""


def expected(connection: BaseDatabaseWrapper) -> frozenset[str]:
    """Return the names of the triggers that this kind of database has; empty for others."""
    module = _MODULES.get(connection.vendor)
    return module.NAMES if module else frozenset()


def installed(connection: BaseDatabaseWrapper) -> frozenset[str]:
    """Return the names of the triggers that are installed, enabled, and of this version."""
    if connection.vendor not in _MODULES:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(_MODULES[connection.vendor].STORED)
        stored = dict(cursor.fetchall())
    return frozenset(
        trigger.name
        for trigger in _triggers(connection)
        if trigger.version in stored.get(trigger.name, "")
    )


def install(connection: BaseDatabaseWrapper) -> frozenset[str]:
    """Make the triggers that are missing, or of another version; return their names.

    Raises ``TriggersNotAllowedError`` where the database refuses that.
    """
    missing = expected(connection) - installed(connection)
    try:
        _create(connection, missing)
    except (OperationalError, ProgrammingError) as error:
        if error.args[0] not in _NOT_ALLOWED:
            raise
        raise TriggersNotAllowedError(str(error)) from error
    return missing


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop every trigger. The constraints of the tables stay."""
    if module := _MODULES.get(connection.vendor):
        _drop(connection, module.NAMES)
        _execute(connection, module.DROP_BASE)


def switched_off(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of checks that this connection, or the database, does not enforce."""
    module = _MODULES.get(connection.vendor)
    return list(module.switched_off(connection)) if module else []


@contextmanager
def disabled(using: str = DEFAULT_DB_ALIAS, *, events: Collection[str] = EVENTS) -> Iterator[None]:
    """Drop the triggers (of these events) within the block, for everybody, not only for us.

    For what is no business of the books: emptying tables, made-up pasts, repairs by hand.
    Inside a transaction on PostgreSQL and SQLite other connections wait, and see every trigger.
    On MariaDB and MySQL making triggers commits, so ``TransactionManagementError`` is raised
    there.
    """
    connection = connections[using]
    names = frozenset(
        trigger.name for trigger in _triggers(connection) if trigger.event in events
    ) & installed(connection)
    if not connection.in_atomic_block:
        _drop(connection, names)
        try:
            yield
        finally:
            _create(connection, names)
        return
    if not connection.features.can_rollback_ddl:
        raise transaction.TransactionManagementError(
            "Triggers are dropped and made outside of transactions on this database"
        )
    settle = _MODULES[connection.vendor].SETTLE
    # Rolled back, it never happened: the triggers are back without us.
    with transaction.atomic(using=using):
        _execute(connection, settle)
        _drop(connection, names)
        yield
        _execute(connection, settle)
        _create(connection, names)


def _create(connection: BaseDatabaseWrapper, names: Collection[str]) -> None:
    made = [trigger for trigger in _triggers(connection) if trigger.name in names]
    base = _MODULES[connection.vendor].BASE if made else ()
    _execute(connection, [*base, *(sql for trigger in made for sql in trigger.create)])


def _drop(connection: BaseDatabaseWrapper, names: Collection[str]) -> None:
    dropped = (trigger for trigger in _triggers(connection) if trigger.name in names)
    _execute(connection, [sql for trigger in dropped for sql in trigger.drop])


def _execute(connection: BaseDatabaseWrapper, statements: Iterable[str]) -> None:
    # All or nothing, where the database can; elsewhere each commits by itself, and a savepoint
    # would be gone with the first.
    is_whole = connection.features.can_rollback_ddl
    block = transaction.atomic(using=connection.alias) if is_whole else nullcontext()
    with block, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _triggers(connection: BaseDatabaseWrapper) -> list[Trigger]:
    module = _MODULES.get(connection.vendor)
    return list(module.triggers(connection)) if module else []
