"""Reading the books: SQL in each database's words, streamed, and rows turned into findings."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.utils import timezone

from payments_ui.core.models import (
    Arrival,
    Attempt,
    Customer,
    Dispute,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    PaymentMethod,
    Refund,
    SuspenseItem,
)
from payments_ui.core.rules import BOOKS, Row, Rule, TableRules
from payments_ui.core.rules.currencies import codes

from .finding import Finding, plain

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

#: How long a PSP may leave an attempt open before a person has to know.
OVERDUE = dt.timedelta(days=10)
_ROWS = 2_000
_PAYMENT_IDS = frozenset({"payment_id", "attempt_payment_id"})
_EXACT = re.compile(r"exact\(([\w.]+)\)")
_TOTAL = JournalEntry._meta.get_field("total")
_MODELS = {
    model._meta.db_table: model
    for model in (
        *(Arrival, Attempt, Customer, Dispute, Event, JournalEntry, LineItem, Payment),
        *(PaymentMethod, Refund, SuspenseItem),
    )
}


def findings(names: Collection[str], using: str) -> Iterator[Finding]:
    """Yield what breaks the rules of these names, table by table."""
    for table in BOOKS:
        audited = [rule for rule in table.rules if rule.is_audited and rule.name in names]
        by_source: dict[str, list[Rule]] = {}
        for rule in audited:
            by_source.setdefault(_source(rule, table), []).append(rule)
        for source, rules in by_source.items():
            yield from _broken(table, source, rules, using)


def _source(rule: Rule, table: TableRules) -> str:
    """Return the SELECT that shows whether the rule is broken: rows twice, if it is UNIQUE."""
    if not rule.columns:
        return rule.source or table.source
    unique = rule.unique or tuple(f"{{quote[{name}]}}" for name in rule.columns)
    named = ", ".join(f"{sql} AS u{at}" for at, sql in enumerate(unique))
    names = ", ".join(f"u{at}" for at, _sql in enumerate(unique))
    filled = " AND ".join(f"u{at} IS NOT NULL" for at, _sql in enumerate(unique))
    same = " AND ".join(f"r.u{at} = d.u{at}" for at, _sql in enumerate(unique))
    # Only our own tables' and columns' names go in.
    return f"""SELECT r.id, d.times
FROM (SELECT id, {named} FROM {table.table}) r JOIN (
    SELECT {names}, COUNT(*) AS times FROM (SELECT {named} FROM {table.table}) t
    WHERE {filled} GROUP BY {names} HAVING COUNT(*) > 1
) d ON {same}"""  # noqa: S608


def _broken(table: TableRules, source: str, rules: Sequence[Rule], using: str) -> Iterator[Finding]:
    """Run one statement for these rules, and fetch a few thousand rows at a time."""
    connection = connections[using]
    shows = {rule: ("times",) if rule.columns else rule.shows for rule in rules}
    columns = list(dict.fromkeys(name for names in shows.values() for name in names))
    conditions = [_condition(rule) for rule in rules]
    flags = [f"CASE WHEN {condition} THEN 1 ELSE 0 END" for condition in conditions]
    # Only our own tables' and columns' names go in.
    sql = (
        f"SELECT {', '.join(['id', *columns, *flags])} FROM ({source}) found"  # noqa: S608
        f" WHERE {' OR '.join(f'({condition})' for condition in conditions)}"
    )
    overdue = connection.ops.adapt_datetimefield_value(timezone.now() - OVERDUE)
    for values in _stream(connection, _in_words_of(connection, sql), {"overdue": overdue}):
        row = _row(table, columns, values, connection)
        for rule, is_broken in zip(rules, values[1 + len(columns) :], strict=True):
            if is_broken and rule.decide(row):
                detail = " ".join(f"{name}={plain(row[name])}" for name in shows[rule])
                yield Finding(rule.name, table.kind, str(row["id"]), detail)


def _condition(rule: Rule) -> str:
    if rule.columns:
        return "times > 1"
    given = [f"({sql})" for sql in (rule.never.replace("{row}", ""), rule.violated_where) if sql]
    return " OR ".join(given)


class _Quoted:
    """``{quote[column]}``: ``key`` is a word of MySQL's own."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._quote_name = connection.ops.quote_name

    def __getitem__(self, column: str) -> str:
        return self._quote_name(column)


def _in_words_of(connection: BaseDatabaseWrapper, sql: str) -> str:
    def half(decimals: int) -> Any:
        return _TOTAL.get_db_prep_value(Decimal("0.5").scaleb(-decimals), connection)

    cases = (
        f"WHEN currency IN ({_listed(codes(decimals))}) THEN {half(decimals)}"
        for decimals in (0, 3)
    )
    filled = sql.format(
        currencies=_listed(codes()),
        half=f"CASE {' '.join(cases)} ELSE {half(2)} END",
        one=_TOTAL.get_db_prep_value(Decimal(1), connection),
        quote=_Quoted(connection),
    )
    # Decimals are floats on SQLite, of three decimals at most: line items count the eighth.
    exact = r"CAST(ROUND(\1 * 1000) AS INTEGER) * 100000"
    return _EXACT.sub(exact if connection.vendor == "sqlite" else r"\1", filled)


def _listed(currencies: Sequence[str]) -> str:
    return ", ".join(f"'{code}'" for code in currencies)


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
    table: TableRules,
    columns: Sequence[str],
    values: Sequence[Any],
    connection: BaseDatabaseWrapper,
) -> Row:
    row = dict(zip(columns, values[1:], strict=False))
    for name in table.money.intersection(columns):
        row[name] = _TOTAL.from_db_value(row[name], None, connection)
    for name in _PAYMENT_IDS.intersection(columns):
        row[name] = Payment._meta.pk.to_python(row[name])
    return {"id": _MODELS[table.table]._meta.pk.to_python(values[0]), **row}
