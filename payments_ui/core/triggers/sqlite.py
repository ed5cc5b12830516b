"""The triggers of SQLite, where one writer at a time needs no locks.

Decimals are floats here (of ``DecimalField``) and whole numbers of the last decimal place (of
``ExactDecimalField``), so amounts are compared as whole numbers. A trigger's tables are always
those of its own database, whatever temporary tables there are.

``INSERT OR REPLACE`` and ``UPDATE OR REPLACE`` delete the row that is in the way, and ask no
DELETE trigger. So triggers of their own refuse what would be in the way of such a row.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from payments_ui.core.rules import BOOKS, Rule, TableRules
from payments_ui.core.rules.currencies import by_minor_unit
from payments_ui.core.rules.lineitems import LINEITEMS
from payments_ui.core.rules.rule import LINEITEM
from payments_ui.money import DECIMAL_PLACES

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
STORED = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
#: What has to be done before triggers can be made within a transaction.
SETTLE: tuple[str, ...] = ()
#: What is made before the triggers, and dropped after them.
BASE: tuple[str, ...] = ()
DROP_BASE: tuple[str, ...] = ()
NAMES = frozenset(
    [
        *(name_of(table, event) for table, event, _rules in by_event()),
        *(f"{name_of(table, event)}_once" for table in BOOKS for event in ("INSERT", "UPDATE")),
    ]
)
_PER_UNIT = by_minor_unit("1", "1000", "100")
_PER_MINOR = by_minor_unit(*(str(10 ** (DECIMAL_PLACES - digits)) for digits in (0, 3, 2)))
_MINOR = f"CAST(ROUND(NEW.amount * {_PER_UNIT}) AS INTEGER)"
_DIALECT = Dialect(
    changed="OLD.{0} IS NOT NEW.{0}",
    empty="NEW.{0} = '{{}}'",
    anonymized="NEW.{0} LIKE '%anonymized%'",
    share="",
    adds_up=f"""COALESCE((SELECT COUNT(*) > 0
    AND SUM(i.user_id <> NEW.user_id OR i.currency <> NEW.currency) = 0
    AND ABS(NEW.amount * {_PER_UNIT} - {_MINOR}) < 0.01
    AND 2 * ABS({_MINOR} * {_PER_MINOR} - SUM(i.amount)) <= {_PER_MINOR}
    FROM {LINEITEM} i WHERE i.payment_id = NEW.id), FALSE)""",
)


def triggers(connection: BaseDatabaseWrapper) -> Iterator[Trigger]:
    """Yield a trigger for each table and event."""
    for table, event, rules in by_event():
        name = name_of(table, event)
        cases = " ".join(
            f"WHEN {condition} THEN RAISE(ABORT, '{message(rule)}')"
            for condition, rule in _DIALECT.refusals(rules, event)
        )
        create = (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table.table}"
            f" WHEN {_DIALECT.sql(table.watched.get(event, '1 = 1'))}"
            f" BEGIN /* {VERSION} */ SELECT CASE {cases} END; END"
        )
        yield versioned(name, event, (create,), (f"DROP TRIGGER IF EXISTS {name}",))
    for table in BOOKS:
        for event in ("INSERT", "UPDATE"):
            yield _once(table, event)


def switched_off(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """Yield what this connection does not check."""
    with connection.cursor() as cursor:
        for pragma, off in (("ignore_check_constraints", 1), ("foreign_keys", 0)):
            cursor.execute(f"PRAGMA {pragma}")
            if cursor.fetchone() == (off,):
                yield pragma


def _once(table: TableRules, event: str) -> Trigger:
    """Refuse to write a row in whose way another one is, by its primary key or a UNIQUE one."""
    kept = next(rule for rule in table.rules if rule.refuse_delete)
    keys: list[tuple[Rule, tuple[str, ...]]] = [(kept, ("id",))]
    # Django's ignore_conflicts, INSERT OR IGNORE, looks the same: it is for line items.
    if table is not LINEITEMS or event == "UPDATE":
        keys += [(rule, rule.columns) for rule in table.rules if rule.columns]
    conditions = []
    for rule, columns in keys:
        same = " AND ".join(f"o.{column} = NEW.{column}" for column in columns)
        if table is LINEITEMS:
            same += " AND o.payment_id IS NOT NULL"
        taken = f"EXISTS (SELECT 1 FROM {table.table} o WHERE {same})"
        if event == "UPDATE":
            changed = _DIALECT.sql(f"{{changed[{','.join(columns)}]}}")
            taken = f"{changed} AND {taken}"
        conditions.append((taken, rule))
    name = f"{name_of(table, event)}_once"
    cases = " ".join(f"WHEN {sql} THEN RAISE(ABORT, '{message(rule)}')" for sql, rule in conditions)
    create = (
        f"CREATE TRIGGER {name} BEFORE {event} ON {table.table}"
        f" WHEN {' OR '.join(sql for sql, _rule in conditions)}"
        f" BEGIN /* {VERSION} */ SELECT CASE {cases} END; END"
    )
    return versioned(name, event, (create,), (f"DROP TRIGGER IF EXISTS {name}",))
