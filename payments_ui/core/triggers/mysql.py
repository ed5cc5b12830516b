"""The triggers of MariaDB and MySQL: by row, and with a lock on what they compare with.

Plain reads see the transaction's snapshot where the isolation is REPEATABLE READ, the servers'
own default. Texts are compared byte by byte, whatever the collation. A trigger's source holds no
comment: ``mysqldump`` wraps it in one, which the first ``*/`` would end. Triggers read through
views, since a temporary table of the same name would hide a table from them.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from payments_ui.core.rules.currencies import by_minor_unit
from payments_ui.core.rules.rule import (
    ARRIVAL,
    ATTEMPT,
    CUSTOMER,
    LINEITEM,
    METHOD,
    PAYMENT,
    REFUND,
)

from .compiler import (
    VERSION,
    Dialect,
    Trigger,
    by_event,
    message,
    name_of,
    versioned,
)

# ruff: noqa: S608 - only our own tables' names go in
#: Names and sources of the triggers in the database.
STORED = """
SELECT trigger_name, action_statement FROM information_schema.triggers
WHERE trigger_schema = DATABASE()
"""
#: What has to be done before triggers can be made within a transaction.
SETTLE: tuple[str, ...] = ()
# What triggers read, by table: no other column, so that migrations may change the rest.
_READ = {
    PAYMENT: "id, user_id, amount, currency, sealed_at, charged_at, cancelled_at, undone_at",
    LINEITEM: "id, user_id, amount, currency, payment_id",
    ATTEMPT: "id, payment_id, state, manual, amount, currency, received_amount,"
    " received_currency, refunded_amount, open_payment, settled_payment",
    ARRIVAL: "id, attempt_id, amount",
    REFUND: "id, attempt_id, amount, state",
    CUSTOMER: "id, user_id, account, live, removed_at",
    METHOD: "id, user_id, psp_customer_id, state",
}
_VIEWS = {table: table.replace("payments_core_", "payments_base_") for table in _READ}
#: What is made before the triggers, and dropped after them.
BASE = tuple(
    f"CREATE OR REPLACE SQL SECURITY INVOKER VIEW {view} AS SELECT {_READ[table]} FROM {table}"
    for table, view in _VIEWS.items()
)
DROP_BASE = (f"DROP VIEW IF EXISTS {', '.join(_VIEWS.values())}",)
NAMES = frozenset(name_of(table, event) for table, event, _rules in by_event())
# What a broken CHECK is: Django makes an IntegrityError of it.
_MARIADB, _MYSQL = 4025, 3819
_UNIT = by_minor_unit("1", "0.001", "0.01")
_DIALECT = Dialect(
    changed="NOT (CAST(OLD.`{0}` AS BINARY) <=> CAST(NEW.`{0}` AS BINARY))",
    empty="JSON_LENGTH(NEW.`{0}`) = 0",
    anonymized="CAST(NEW.`{0}` AS CHAR) LIKE '%anonymized%'",
    share="LOCK IN SHARE MODE",
    adds_up=f"""COALESCE((SELECT COUNT(*) > 0
    AND SUM(i.user_id <> NEW.user_id OR BINARY i.currency <> BINARY NEW.currency) = 0
    AND MOD(NEW.amount, {_UNIT}) = 0 AND 2 * ABS(NEW.amount - SUM(i.amount)) <= {_UNIT}
    FROM {LINEITEM} i WHERE i.payment_id = NEW.id LOCK IN SHARE MODE), FALSE)""",
)


def triggers(connection: BaseDatabaseWrapper) -> Iterator[Trigger]:
    """Yield a trigger for each table and event."""
    number = _MARIADB if getattr(connection, "mysql_is_mariadb", False) else _MYSQL
    for table, event, rules in by_event():
        name = name_of(table, event)
        lock = table.locks.get(event)
        locked = f"SELECT 1 INTO @payments_locked {lock} FOR UPDATE; " if lock else ""
        checks = " ".join(
            f"IF {condition} THEN SIGNAL SQLSTATE '23000'"
            f" SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = '{message(rule)}'; END IF;"
            for condition, rule in _DIALECT.refusals(rules, event)
        )
        watched = _DIALECT.sql(table.watched.get(event, "1 = 1"))
        body = f"{VERSION}: BEGIN IF {watched} THEN {locked}{checks} END IF; END"
        for read, view in _VIEWS.items():
            body = body.replace(f"FROM {read} ", f"FROM {view} ")
        create = f"CREATE TRIGGER {name} BEFORE {event} ON {table.table} FOR EACH ROW {body}"
        yield versioned(name, event, (create,), (f"DROP TRIGGER IF EXISTS {name}",))


def switched_off(connection: BaseDatabaseWrapper) -> Iterator[str]:  # runs on MariaDB only
    """Yield what this connection does not check, and constraints that are not enforced."""
    variables = ["foreign_key_checks", "unique_checks"]
    if connection.mysql_is_mariadb:  # type: ignore[attr-defined]
        variables.append("check_constraint_checks")
    with connection.cursor() as cursor:
        for variable in variables:
            cursor.execute(f"SELECT @@{variable}")
            if cursor.fetchone() == (0,):
                yield variable
        if not connection.mysql_is_mariadb:  # type: ignore[attr-defined]
            cursor.execute(
                "SELECT constraint_name FROM information_schema.table_constraints"
                " WHERE constraint_schema = DATABASE() AND enforced = 'NO'"
            )
            yield from (name for (name,) in cursor.fetchall())
