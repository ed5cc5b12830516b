"""Line items that are stored as they are: the database copies them from table to table."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections

from payments_ui.core.models import LineItem

from .job import Job
from .lineitems import Owned, key_of
from .source import SourceError, SourceItem


def can_copy(job: Job) -> bool:
    """Whether both tables are in one database that can: PostgreSQL."""
    return job.source == job.target and connections[job.target].vendor == "postgresql"


def copy(job: Job, page: Sequence[Owned], *, bound: bool) -> None:  # runs on PostgreSQL only
    """Store them, bound to their payment or not.

    Raises ``SourceError`` where they are no longer what was read, since payments were decided by
    that.
    """
    connection = connections[job.target]
    types = {
        name: LineItem._meta.get_field(name).db_type(connection) for name in ("user", "payment")
    }
    payment = "s.payment_id" if bound else "NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH copied AS (
                INSERT INTO {LineItem._meta.db_table} (
                    id, user_id, payment_id, created_at, used_at, title, amount, currency, unit, key
                )
                SELECT s.id, s.user_id::{types["user"]}, {payment}::{types["payment"]},
                    s.created_at, s.created_at, s.title, s.amount, %s, '', %s || s.id
                FROM {SourceItem._meta.db_table} s WHERE s.id = ANY(%s)
                RETURNING amount
            )
            SELECT COUNT(*), COALESCE(SUM(amount), 0) FROM copied
            """,  # noqa: S608 - only names and types of our own and the old tables go in
            [job.currency, key_of(""), [owned.item.pk for owned in page]],
        )
        copied = cursor.fetchone()
    if copied != (len(page), sum(owned.item.amount for owned in page)):
        raise SourceError("Line items changed in the old tables while they were imported")
