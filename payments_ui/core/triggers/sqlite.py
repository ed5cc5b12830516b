"""The seals of SQLite, where one writer at a time needs no locks.

Decimals are floats here (of ``DecimalField``) and whole numbers of the last decimal place (of
``ExactDecimalField``), so amounts are compared as whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from payments_ui.money import DECIMAL_PLACES

from .rule import LINEITEM
from .rules import by_event
from .sql import STAMP, Dialect, Seal, minor_units, seal_name, stamped

# ruff: noqa: S608 - only our own tables' names go in
#: Name and source of the triggers in the database.
STORED = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
#: What has to be done before triggers can be made within a transaction.
SETTLE: tuple[str, ...] = ()
_PER_UNIT = minor_units("1", "1000", "100")
_PER_MINOR = minor_units(*(str(10 ** (DECIMAL_PLACES - digits)) for digits in (0, 3, 2)))
_MINOR = f"CAST(ROUND(NEW.amount * {_PER_UNIT}) AS INTEGER)"
_ADDS_UP = f"""COALESCE((SELECT COUNT(*) > 0
    AND SUM(i.user_id <> NEW.user_id OR i.currency <> NEW.currency) = 0
    AND ABS(NEW.amount * {_PER_UNIT} - {_MINOR}) < 0.01
    AND 2 * ABS({_MINOR} * {_PER_MINOR} - SUM(i.amount)) <= {_PER_MINOR}
    FROM {LINEITEM} i WHERE i.payment_id = NEW.id), FALSE)"""
_DIALECT = Dialect(differs="OLD.{0} IS NOT NEW.{0}", share="", adds_up=_ADDS_UP)


def seals(connection: BaseDatabaseWrapper) -> Iterator[Seal]:
    """A trigger for each table and event."""
    for (table, event), rules in by_event().items():
        name = seal_name(table, event)
        cases = " ".join(
            f"WHEN {condition} THEN RAISE(ABORT, '{refusal}')"
            for condition, refusal in _DIALECT.refusals(rules, event)
        )
        create = (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table}"
            f" WHEN {_DIALECT.guard(table, event)}"
            f" BEGIN {STAMP} SELECT CASE {cases} END; END"
        )
        yield stamped(name, event, (create,), (f"DROP TRIGGER IF EXISTS {name}",))
