"""The triggers of SQLite, where one writer at a time needs no locks.

Decimals are floats here (of ``DecimalField``) and whole numbers of the last decimal place (of
``ExactDecimalField``), so amounts are compared as whole numbers. A trigger's tables are always
those of its own database, whatever temporary tables there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from payments_ui.core.rules.rule import LINEITEM
from payments_ui.money import DECIMAL_PLACES

from .compiler import (
    VERSION,
    Dialect,
    Trigger,
    by_event,
    by_minor_unit,
    message,
    name_of,
    versioned,
)

# ruff: noqa: S608 - only our own tables' names go in
#: Names and sources of the triggers in the database.
STORED = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
#: What has to be done before triggers can be made within a transaction.
SETTLE: tuple[str, ...] = ()
NAMES = frozenset(name_of(table, event) for table, event, _rules in by_event())
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
