"""Running the scans: SQL of each database, streamed, and rows turned into findings."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from babel.core import get_global
from django.db import connections
from django.utils import timezone

from payments_ui import money
from payments_ui.core.models import (
    Attempt,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    Refund,
    SuspenseItem,
)

from .words import Finding, Row, Rule, Scan, plain

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

#: How long a PSP may leave an attempt open before a person has to be told.
OVERDUE = dt.timedelta(days=10)
_ROWS = 2_000
_PAYMENT_IDS = frozenset({"payment_id", "attempt_payment_id"})
_EXACT = re.compile(r"exact\(([\w.]+)\)")
_BYTES = re.compile(r"bytes\(([\w.]+)\)")
_TOTAL = JournalEntry._meta.get_field("total")
_MODELS = (Attempt, Event, JournalEntry, LineItem, Payment, Refund, SuspenseItem)
_CURRENCIES = sorted(filter(money.is_currency, get_global("all_currencies")))
#: Currencies whose minor unit is not two decimals.
_OTHERS = {n: [code for code in _CURRENCIES if money.minor_unit(code) == n] for n in (0, 3)}
_TABLES = {str(model._meta.model_name): model._meta.db_table for model in _MODELS}


def findings(scan: Scan, rules: Sequence[Rule], using: str) -> Iterator[Finding]:
    """What breaks these rules of the scan, in one statement, a few thousand rows at a time."""
    connection = connections[using]
    columns = list(dict.fromkeys(name for rule in rules for name in rule.shows))
    sql = _sql(scan, rules, columns, connection)
    for values in _stream(connection, sql, _parameters(sql, connection)):
        row = _row(scan, columns, values, connection)
        broken = zip(rules, values[1 + len(columns) :], strict=True)
        yield from (
            _finding(scan, rule, row)
            for rule, is_broken in broken
            if is_broken and rule.decide(row)
        )


def _sql(
    scan: Scan, rules: Sequence[Rule], columns: Sequence[str], connection: BaseDatabaseWrapper
) -> str:
    flags = [f"CASE WHEN {rule.broken} THEN 1 ELSE 0 END" for rule in rules]
    conditions = " OR ".join(f"({rule.broken})" for rule in rules)
    shown = ", ".join(["id", *columns, *flags])
    # Only our own tables' and columns' names go in.
    sql = f"SELECT {shown} FROM ({scan.source}) found WHERE {conditions}"  # noqa: S608
    return _dialect(sql.format(**_TABLES, **_expressions(connection)), connection)


def _dialect(sql: str, connection: BaseDatabaseWrapper) -> str:
    is_sqlite, is_mysql = connection.vendor == "sqlite", connection.vendor == "mysql"
    # Decimals are floats on SQLite, of three decimals at most: line items count the eighth.
    exact = r"CAST(ROUND(\1 * 1000) AS INTEGER) * 100000" if is_sqlite else r"\1"
    # To MySQL, "chf" is "CHF".
    return _BYTES.sub(r"CAST(\1 AS BINARY)" if is_mysql else r"\1", _EXACT.sub(exact, sql))


def _expressions(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """SQL that scans name in braces, besides tables."""
    cases = (
        f"WHEN currency IN ({_list(codes)}) THEN {_half(decimals, connection)}"
        for decimals, codes in _OTHERS.items()
    )
    return {
        "currencies": _list(_CURRENCIES),
        "half": f"CASE {' '.join(cases)} ELSE {_half(2, connection)} END",
        # A word of MySQL's own.
        "key": connection.ops.quote_name("key"),
    }


def _list(codes: Iterable[str]) -> str:
    return ", ".join(f"'{code}'" for code in codes)


def _half(decimals: int, connection: BaseDatabaseWrapper) -> Any:
    return _TOTAL.get_db_prep_value(Decimal("0.5").scaleb(-decimals), connection)


def _parameters(sql: str, connection: BaseDatabaseWrapper) -> dict[str, Any]:
    before = timezone.now() - OVERDUE
    return {"overdue": connection.ops.adapt_datetimefield_value(before)}


def _stream(
    connection: BaseDatabaseWrapper, sql: str, parameters: dict[str, Any]
) -> Iterator[tuple[Any, ...]]:
    # A pool that gives each transaction another server has no use for the server's cursors.
    pooled = connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
    with connection.cursor() if pooled else connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(_ROWS):
            yield from rows


def _row(
    scan: Scan, columns: Sequence[str], values: Sequence[Any], connection: BaseDatabaseWrapper
) -> Row:
    row = dict(zip(columns, values[1:], strict=False))
    for name in scan.money.intersection(columns):
        row[name] = _TOTAL.from_db_value(row[name], None, connection)
    for name in _PAYMENT_IDS.intersection(columns):
        row[name] = Payment._meta.pk.to_python(row[name])
    return {"id": scan.model._meta.pk.to_python(values[0]), **row}


def _finding(scan: Scan, rule: Rule, row: Row) -> Finding:
    detail = " ".join(f"{name}={plain(row[name])}" for name in rule.shows)
    return Finding(rule.name, scan.kind, str(row["id"]), detail)
