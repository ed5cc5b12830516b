"""Seals: triggers by which the database refuses what no code of ours may do.

They hold for ``QuerySet.update()``, raw SQL and code with a fault alike. In short (``bills`` and
``proofs`` have the exact conditions):

- Payment: inserted as a draft (``sealed_at``, ``charged_at``, ``cancelled_at``, ``undone_at``
  NULL). Sealed once, while its line items (at least one) are all of its user and currency and
  their sum differs from ``amount`` by half a minor unit at most. From then on ``amount``,
  ``currency``, ``created_at``, ``sealed_at`` stay; ``id`` and ``user`` always. Charged in an
  UPDATE of its own after sealing, and after an attempt of its amount and currency is *settled*.
  ``charged_at`` never changes; it becomes NULL only with ``undone_at``. Cancelled only while
  pending; neither cancelled nor undone while an attempt is open; both are final. Deleted only as
  a draft or cancelled.
- Line item: bound (by INSERT or UPDATE) only to an unsealed draft of its user and, where that has
  one already, currency. Bound, its user, amount, currency and key stay, and it is not deleted;
  it leaves only a draft, or a cancelled or undone payment, and never for another payment.
- Attempt: inserted as *started*, *settled* or *surplus*, with nothing refunded. Started and
  settled only for a payment that is sealed and neither charged, cancelled nor undone (so: first
  settle, then charge), with its amount and currency. *Settled* has ``received_amount`` and
  ``received_currency`` equal to what was asked. Who is asked for what stays; what arrived
  (``received_*``, ``psp_reference``) stays once it is set. An open attempt goes anywhere, *failed*
  and *cancelled* only to *settled*, *surplus* or *mismatch*, which are final. Never deleted.
- Refund: reserve first: raise ``Attempt.refunded_amount``, then insert the refund as *requested*
  or *succeeded*, of the attempt's payment and received currency; when it fails, first mark it
  *failed*, then lower ``refunded_amount``. ``refunded_amount`` is never below the sum of refunds
  that have not failed. Open goes anywhere, *failed* only to *succeeded* (reserve again first).
  Facts stay, never deleted.
- Event, money to look at: facts stay, what was decided stays, never deleted. Journal: only added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.db import (
    DEFAULT_DB_ALIAS,
    OperationalError,
    ProgrammingError,
    connections,
    transaction,
)

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from .sql import Seal

# Loaded when needed: they know the tables of the models.
_MODULES = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite"}
# MySQL and MariaDB: the server logs changes, or the user lacks the right.
_NOT_ALLOWED = frozenset({1142, 1227, 1419})
_EVENTS = ("INSERT", "UPDATE", "DELETE")


class TriggersNotAllowedError(Exception):
    """The database does not let this user make triggers; its text says why."""


def expected(connection: BaseDatabaseWrapper) -> frozenset[str]:
    """The names of the seals this database should have; none for a kind that we do not know."""
    return frozenset(seal.name for seal in _seals(connection))


def installed(connection: BaseDatabaseWrapper) -> frozenset[str]:
    """The names of the seals that are there and refuse what they have to today. One query."""
    seals = _seals(connection)
    stored = _stored(connection) if seals else {}
    return frozenset(seal.name for seal in seals if seal.stamp in stored.get(seal.name, ""))


def install(connection: BaseDatabaseWrapper) -> frozenset[str]:
    """Put on the seals that are missing, or of an older version; return their names.

    Raises ``TriggersNotAllowedError`` where the database refuses that.
    """
    missing = expected(connection) - installed(connection)
    try:
        _put_on(connection, missing)
    except (OperationalError, ProgrammingError) as error:
        if error.args[0] not in _NOT_ALLOWED:
            raise
        raise TriggersNotAllowedError(str(error)) from error
    return missing


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take every seal away. The constraints of the tables stay."""
    _take_off(connection, expected(connection))


@contextmanager
def lifted(using: str = DEFAULT_DB_ALIAS, *, events: Collection[str] = _EVENTS) -> Iterator[None]:
    """Take the seals (of these events) off while it lasts, for everybody, not only for us.

    For what is no business of the books: emptying tables, made-up pasts, repairs by hand.
    Inside a transaction on PostgreSQL and SQLite nobody else sees them off; there other
    connections wait. On MariaDB and MySQL making triggers commits, so it refuses that there
    (``TransactionManagementError``).
    """
    connection = connections[using]
    there = installed(connection)
    names = frozenset(seal.name for seal in _seals(connection) if seal.event in events) & there
    if connection.in_atomic_block:
        with _lifted_within(connection, names):
            yield
        return
    _take_off(connection, names)
    try:
        yield
    finally:
        _put_on(connection, names)


@contextmanager
def _lifted_within(connection: BaseDatabaseWrapper, names: Collection[str]) -> Iterator[None]:
    if not connection.features.can_rollback_ddl:
        raise transaction.TransactionManagementError("Seals are lifted outside of transactions")
    # Rolled back, it has never been: the seals are back without us.
    with transaction.atomic(using=connection.alias):
        _execute(connection, _module(connection).SETTLE)
        _take_off(connection, names)
        yield
        _execute(connection, _module(connection).SETTLE)
        _put_on(connection, names)


def _stored(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(_module(connection).STORED)
        return dict(cursor.fetchall())


def _put_on(connection: BaseDatabaseWrapper, names: Collection[str]) -> None:
    seals = (seal for seal in _seals(connection) if seal.name in names)
    _execute(connection, (sql for seal in seals for sql in seal.create))


def _take_off(connection: BaseDatabaseWrapper, names: Collection[str]) -> None:
    seals = (seal for seal in _seals(connection) if seal.name in names)
    _execute(connection, (sql for seal in seals for sql in seal.drop))


def _execute(connection: BaseDatabaseWrapper, statements: Iterable[str]) -> None:
    # All or nothing, where the database can; elsewhere each commits by itself, and a savepoint
    # would be gone with the first.
    whole = connection.features.can_rollback_ddl
    block = transaction.atomic(using=connection.alias) if whole else nullcontext()
    with block, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _seals(connection: BaseDatabaseWrapper) -> list[Seal]:
    module = _module(connection)
    return list(module.seals(connection)) if module else []


def _module(connection: BaseDatabaseWrapper) -> Any:
    name = _MODULES.get(connection.vendor)
    return import_module(f".{name}", __name__) if name else None
