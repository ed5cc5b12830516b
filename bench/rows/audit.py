"""The auditor: every rule about all the books."""

from __future__ import annotations

from collections.abc import Iterator

from bench import bare, books, database, meters
from bench.contest import Contestant, Row
from bench.results import Number, Worth
from bench.sizes import Size
from payments_ui.core.audit import audit
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment

#: Most bytes that Python may hold, however long the books are.
MEMORY = 500_000

_TABLES = (LineItem, Payment, Attempt, JournalEntry)
_SUMS = f"""
SELECT COUNT(*) FROM {Payment._meta.db_table} payment JOIN (
    SELECT payment_id, SUM(amount) AS total FROM {LineItem._meta.db_table} GROUP BY payment_id
) sums ON sums.payment_id = payment.id WHERE sums.total = payment.amount
"""  # noqa: S608 - only our own tables


def rows(size: Size) -> Iterator[Row | Number]:
    """The rows about ``audit``."""
    books.fill(size.audited)
    database.tidy(*_TABLES, analyze=True)
    title = f"audit, {size.audited:,} line items and more"
    yield Row(
        key="audit",
        title=title,
        kit=Contestant("kit", _audit),
        anchors=[Contestant("one rule alone", lambda: bare.execute(_SUMS))],
        uses=LineItem.objects.count(),
        worth=Worth("line items a second"),
    )
    value = meters.peak_memory(_audit)
    yield Number(key="audit-memory", title=f"{title}: bytes of memory", value=value, limit=MEMORY)


def _audit() -> None:
    found = list(audit())
    assert found == [], found[:3]
