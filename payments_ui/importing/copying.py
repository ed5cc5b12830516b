"""Line items that are stored as they are: the database copies them from table to table."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections

from payments_ui.core.lineitems.recording_sql import array
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
    items = [owned.item for owned in page]
    with connection.cursor() as cursor:
        # Row by row: a sum stays the same where two rows change, or one user's becomes another's.
        cursor.execute(
            f"""
            WITH copied AS (
                INSERT INTO {LineItem._meta.db_table} (
                    id, user_id, payment_id, created_at, used_at, title, amount, currency, unit, key
                )
                SELECT s.id, s.user_id::{types["user"]}, {payment}::{types["payment"]},
                    s.created_at, s.created_at, s.title, s.amount, %s, '', %s || s.id
                FROM {SourceItem._meta.db_table} s JOIN unnest(
                    %s::bigint[], %s::text[], %s::uuid[], %s::timestamptz[], %s::text[],
                    %s::numeric[]
                ) AS seen (id, user_id, payment_id, created_at, title, amount)
                ON s.id = seen.id AND s.user_id::text = seen.user_id
                    AND s.payment_id IS NOT DISTINCT FROM seen.payment_id
                    AND s.created_at = seen.created_at
                    AND s.title = seen.title AND s.amount = seen.amount
                RETURNING 1
            )
            SELECT COUNT(*) FROM copied
            """,  # noqa: S608 - only names and types of our own and the old tables go in
            [
                job.currency,
                key_of(""),
                *(
                    array([getattr(item, name) for item in items])
                    for name in ("pk", "user", "payment", "created_at", "title", "amount")
                ),
            ],
        )
        (copied,) = cursor.fetchone()
    if copied != len(page):
        raise SourceError("Line items changed in the old tables while they were imported")
