"""Books with a payment of each kind, and tables that nothing protects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import connection

from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.attempts.outcomes import Cancelled, Pending
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
from tests.conftest import UserFactory
from tests.core.support import charged, pending, record, saved, started

TABLES = (
    *(Arrival, Attempt, Customer, Dispute, Event, JournalEntry, LineItem, Payment),
    *(PaymentMethod, Refund, SuspenseItem),
)


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
    partly: Attempt
    arrival: Arrival
    unbound: LineItem
    method: PaymentMethod


def books(make_user: UserFactory) -> Books:
    """Return books that are right."""
    owner = make_user()
    paid = charged(owner, "10.00", "0.00405")
    gone = started(pending(owner, "1.10"))
    gone.record(Cancelled())
    gone.payment.cancel_pending()
    opened = started(pending(owner, "0.0051", "3"))
    partly = started(pending(owner, "7"), moocher="bank", manual=True)
    partly.record(Pending(psp_reference="RF1"))
    reported = book_arrival(
        moocher="bank", psp_reference="RF1", amount=Decimal(3), currency="CHF", event_id="part"
    )
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
        partly=partly,
        arrival=reported.arrivals.get(),
        unbound=unbound,
        method=saved(owner),
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
