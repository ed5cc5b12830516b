"""The seals of MariaDB and MySQL: row triggers that read what they compare with a lock.

Plain reads see the transaction's snapshot where the isolation is REPEATABLE READ, the servers'
own default. Texts are compared byte by byte, since the collation may take ``chf`` for ``CHF``.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from .rule import LINEITEM
from .rules import LOCKS, by_event
from .sql import STAMP, Dialect, Seal, minor_units, seal_name, stamped

# ruff: noqa: S608 - only our own tables' names go in
#: Name and source of the triggers in the database.
STORED = """
SELECT trigger_name, action_statement FROM information_schema.triggers
WHERE trigger_schema = DATABASE()
"""
#: What has to be done before triggers can be made within a transaction.
SETTLE: tuple[str, ...] = ()
# What a broken CHECK is: Django makes an IntegrityError of it.
_MARIADB, _MYSQL = 4025, 3819
_UNIT = minor_units("1", "0.001", "0.01")
_ADDS_UP = f"""COALESCE((SELECT COUNT(*) > 0
    AND SUM(i.user_id <> NEW.user_id OR BINARY i.currency <> BINARY NEW.currency) = 0
    AND MOD(NEW.amount, {_UNIT}) = 0 AND 2 * ABS(NEW.amount - SUM(i.amount)) <= {_UNIT}
    FROM {LINEITEM} i WHERE i.payment_id = NEW.id LOCK IN SHARE MODE), FALSE)"""
_DIALECT = Dialect(
    differs="NOT (CAST(OLD.`{0}` AS BINARY) <=> CAST(NEW.`{0}` AS BINARY))",
    share="LOCK IN SHARE MODE",
    adds_up=_ADDS_UP,
)


def seals(connection: BaseDatabaseWrapper) -> Iterator[Seal]:
    """A trigger for each table and event."""
    number = _MARIADB if getattr(connection, "mysql_is_mariadb", False) else _MYSQL
    for (table, event), rules in by_event().items():
        name = seal_name(table, event)
        checks = " ".join(
            f"IF {condition} THEN SIGNAL SQLSTATE '23000'"
            f" SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = '{refusal}'; END IF;"
            for condition, refusal in _DIALECT.refusals(rules, event)
        )
        create = (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW BEGIN {STAMP}"
            f" IF {_DIALECT.guard(table, event)} THEN {_lock(table, event)}{checks} END IF; END"
        )
        yield stamped(name, event, (create,), (f"DROP TRIGGER IF EXISTS {name}",))


def _lock(table: str, event: str) -> str:
    lock = LOCKS.get((table, event))
    return f"SELECT 1 INTO @payments_seal {lock} FOR UPDATE; " if lock else ""
