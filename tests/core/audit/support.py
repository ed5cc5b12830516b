"""Books with a payment of each kind, and tables that nothing protects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import connection

from payments_ui.core.attempts.outcomes import Cancelled
from payments_ui.core.models import (
    Attempt,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    Refund,
    SuspenseItem,
)
from tests.conftest import UserFactory
from tests.core.support import charged, pending, record, started

TABLES = (Attempt, Event, JournalEntry, LineItem, Payment, Refund, SuspenseItem)


@dataclass(frozen=True)
class Books:
    """One of each."""

    owner: User
    stranger: User
    charged: Payment
    settled: Attempt
    pending: Payment
    opened: Attempt
    gone: Payment
    failed: Attempt
    unbound: LineItem


def books(make_user: UserFactory) -> Books:
    """Return books that are right."""
    owner = make_user()
    paid = charged(owner, "10.00", "0.00405")
    gone = started(pending(owner, "1.10"))
    gone.record(Cancelled())
    gone.payment.cancel_pending()
    opened = started(pending(owner, "0.0051", "3"))
    (unbound,) = record(owner, "4")
    return Books(
        owner=owner,
        stranger=make_user(),
        charged=paid,
        settled=paid.attempts.get(),
        pending=opened.payment,
        opened=opened,
        gone=gone.payment,
        failed=gone,
        unbound=unbound,
    )


@contextmanager
def unprotected() -> Iterator[None]:
    """Put copies in front of the tables, without constraints, triggers and foreign keys."""
    schema = {"sqlite": "main", "postgresql": "public"}.get(
        connection.vendor, str(connection.settings_dict["NAME"])
    )
    tables = [model._meta.db_table for model in TABLES]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"CREATE TEMPORARY TABLE {table} AS SELECT * FROM {schema}.{table}")  # noqa: S608 - our own tables
    try:
        yield
    finally:
        drop = "DROP TEMPORARY TABLE" if connection.vendor == "mysql" else "DROP TABLE"
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"{drop} {table}")
