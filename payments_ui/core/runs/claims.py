"""At most one payment of a payer is charged in a run.

While a worker charges in the name of a run, whatever begins to charge a payment claims it, in the
transaction that begins. Elsewhere nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import connections, router

from payments_ui.core.lineitems.recording import ON_DUPLICATE_KEY
from payments_ui.exceptions import AlreadyTriedError

from .model import RunBatch, RunClaim

if TYPE_CHECKING:
    from payments_ui.core.payments.model import Payment

_batch: ContextVar[RunBatch | None] = ContextVar("payments_ui_batch", default=None)


@contextmanager
def in_the_name_of(batch: RunBatch) -> Iterator[None]:
    """Charge in the name of this batch's run, in this thread, within the block."""
    token = _batch.set(batch)
    try:
        yield
    finally:
        _batch.reset(token)


def claim(payment: Payment) -> None:
    """Make this locked payment the one of its user and currency that the run charges.

    Raises ``AlreadyTriedError`` where another one is; the transaction has to be rolled back then.
    """
    batch = _batch.get()
    if batch is None:
        return
    whose = {"run_id": batch.run_id, "user_id": payment.user_id, "currency": payment.currency}
    if _is_first(RunClaim(**whose, batch_id=batch.pk, payment=payment.pk)):
        return
    claimed = RunClaim.objects.filter(**whose).values_list("payment", flat=True).first()
    if claimed != payment.pk:
        raise AlreadyTriedError(f"Another payment than {payment.pk} is charged in this run")


def _is_first(claim: RunClaim) -> bool:
    """Store it, unless there is one of its run, user and currency; a known one is no error.

    One statement, which waits for whoever is storing one at this moment.
    """
    connection = connections[router.db_for_write(RunClaim)]
    is_mysql = connection.vendor == "mysql"
    fields, sql = _insert_sql(is_mysql)
    values = [field.get_db_prep_save(getattr(claim, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return bool(cursor.lastrowid if is_mysql else cursor.rowcount)


@lru_cache(maxsize=2)
def _insert_sql(is_mysql: bool) -> tuple[list[Any], str]:
    """The columns to fill, and the statement."""
    fields = [field for field in RunClaim._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(str(field.column) for field in fields)
    values = ", ".join(["%s"] * len(fields))
    # Only our own names go in.
    sql = f"INSERT INTO {RunClaim._meta.db_table} ({columns}) VALUES ({values})"  # noqa: S608
    once = " ON CONFLICT (run_id, user_id, currency) DO NOTHING"
    return fields, sql + (ON_DUPLICATE_KEY if is_mysql else once)
