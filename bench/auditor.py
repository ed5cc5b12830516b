"""The auditor: every rule about all the books, in items per second."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from bench import books, database, table
from bench.table import Row
from bench.timing import peak_memory, timed
from payments_ui.core.audit import audit
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment

SIZE, QUICK = 100_000, 2_000
REPEATS = 5

#: At least so many line items per second, whatever else is in the books about them.
SPEED = {"postgresql": 200_000, "mysql": 50_000, "sqlite": 100_000}
#: Most that Python may hold, however long the books are.
MEMORY = 500_000

_TABLES = (LineItem, Payment, Attempt, JournalEntry)


def rows(quick: bool) -> Iterator[Row]:
    """The promises about ``audit``."""
    books.fill(QUICK if quick else SIZE)
    database.tidy(*_TABLES, analyze=True)
    items = LineItem.objects.count()
    name = f"audit, {items:,} items"
    seconds = sorted(timed(_audit) for _ in range(1 if quick else REPEATS))[0]
    yield _speed(name, items, seconds)
    yield table.number(f"{name}: bytes of memory", peak_memory(_audit), MEMORY)


def _audit() -> None:
    found = list(audit())
    assert found == [], found[:3]


def _speed(name: str, items: int, seconds: float) -> Row:
    promised = SPEED[connection.vendor]
    return table.duration(name, seconds, items / promised, seconds * promised / items, 1)
