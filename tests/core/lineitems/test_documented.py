"""The code in the guide to charges runs, and the SQL that partitions line items."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from payments_ui.core import queries, triggers
from payments_ui.core.audit import audit
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.core.models import LineItem, Payment
from payments_ui.exceptions import KeyConflictError, LineItemBoundError
from tests.conftest import UserFactory
from tests.core.support import charged, pending, record

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).parents[3] / "docs/howto/charges.md"
SCALING = PAGE.parents[1] / "scaling.md"
MAY = dt.datetime(2026, 5, 12, 9, 30, 0, 123456, tzinfo=dt.UTC)


def test_the_example_of_the_howto_runs(user: User) -> None:
    shown = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (code,) = (block for block in shown if "record_many" in block)
    jobs = [SimpleNamespace(pk=number, user_id=user.pk, finished_at=MAY) for number in range(3)]
    jobs.append(SimpleNamespace(pk=3, user_id=-1, finished_at=MAY))
    told: list[Any] = []
    log = SimpleNamespace(error=lambda *args: told.append(args))
    world = {"LineItem": LineItem, "finished_jobs": lambda: iter(jobs), "logger": log}
    exec(code, world)  # noqa: S102 - our own page
    assert LineItem.objects.count() == 3
    assert [number for _text, number, _error in told] == [3]


class Read:
    """How many of the partitions of line items are read meanwhile, by triggers, too."""

    number = 0

    def __enter__(self) -> Read:
        self._before = self._scans()
        return self

    def __exit__(self, *error: object) -> None:
        after = self._scans()
        self.number = sum(scans > self._before[name] for name, scans in after.items())

    def _scans(self) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, COALESCE(seq_scan, 0) + COALESCE(idx_scan, 0)"
                " FROM pg_stat_xact_user_tables WHERE relname ~ '^payments_core_lineitem_[0-9]'"
            )
            return dict(cursor.fetchall())


def planned(sql: str) -> int:
    """Return how many of them PostgreSQL plans to read for the statement alone."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        plan = "".join(line for (line,) in cursor)
    return len(set(re.findall(r" on (payments_core_lineitem_[0-9]+)\b", plan)))


def named() -> dict[str, str]:
    """Return the definitions of the table's indexes and checks by the names that we gave them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') FROM pg_class c"
            " JOIN pg_index ON indexrelid = c.oid"
            " WHERE indrelid = 'payments_core_lineitem'::regclass AND relname ~ '^payments_item_'"
            " UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'payments_core_lineitem'::regclass AND contype = 'c'"
        )
        return dict(cursor.fetchall())


@pytest.fixture
def partitioned(db: None) -> None:
    """Run the page's SQL."""
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL has such partitions")
    blocks = r"```postgresql\nBEGIN;(.*?)COMMIT;\n```"
    (script,) = re.findall(blocks, SCALING.read_text(), re.DOTALL)
    before = named()
    triggers.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute(script)
    triggers.install(connection)
    assert named() == before


def test_what_names_a_user_reads_one_partition(
    partitioned: None, user: User, make_user: UserFactory
) -> None:
    def owe(*keys: str) -> None:
        for key in keys:
            LineItem.objects.record(user=user, title="Use", amount=5, currency="CHF", key=key)

    for _ in range(3):
        record(make_user(), "5.00")
    with Read() as new:
        owe("a", "b")
    with Read() as known:
        owe("a")
    with CaptureQueriesContext(connection) as binding:
        Payment.objects.create_pending(user=user)
    owe("c")
    with Read() as page:
        owed, groups = queries.owed_and_groups(user, "CHF", limit=20)
    with Read() as heartbeat:
        assert queries.version(user) == owed.version
    assert (owed.payments, len(groups)) == (1, 1)
    of_items = [asked["sql"] for asked in binding if "payments_core_lineitem" in asked["sql"]]
    assert [planned(sql) for sql in of_items] == [1, 1]
    assert (new.number, known.number) == (1, 1)
    assert (page.number, heartbeat.number) == (1, 1)


def test_partitioned_books_keep_their_promises(
    partitioned: None, user: User, make_user: UserFactory
) -> None:
    other = make_user()
    use: dict[str, Any] = {"title": "Use", "amount": Decimal(5), "currency": "CHF"}
    rows = [{**use, "user": each, "key": key} for each in (user, other) for key in "ab"]
    assert LineItem.objects.record_many(rows) == (4, 0)
    assert LineItem.objects.record_many(rows) == (0, 4)
    with pytest.raises(KeyConflictError):
        LineItem.objects.record(user=user, key="a", **{**use, "amount": 6})
    with pytest.raises(KeyConflictError), typed_refusals(), transaction.atomic():
        LineItem.objects.bulk_create([LineItem(user=user, key="a", **use)])
    first = pending(user)
    first.cancel_pending()
    paid = charged(user, "1.00")
    assert paid.amount == Decimal("11.00")
    with pytest.raises(LineItemBoundError):
        paid.lineitems.update(title="Other")
    paid.undo(force=True, reason="Wrong")
    assert pending(user).amount == Decimal("11.00")
    assert triggers.installed(connection) == triggers.expected(connection)
    assert list(audit()) == []
