"""The SQL of ``create_pending``: building these statements took longer than running them.

Each is one statement whatever the number of line items, and goes through the models'
fields, so that values are stored as the ORM stores them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import OperationalError, connections
from django.utils import timezone

from payments_ui.core.journal import JournalEntry
from payments_ui.exceptions import InvalidAmountError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from .model import Payment

_LINEITEM = "payments_core_lineitem"
_PAYMENT = "payments_core_payment"
_JOURNAL = JournalEntry._meta.db_table

# ruff: noqa: S608 - only our own tables' names go in
_BIND = f"UPDATE {_LINEITEM} SET payment_id = %s WHERE payment_id IS NULL AND user_id = %s"
_JOURNAL_BOUND = f"""
INSERT INTO {_JOURNAL}
    (at, verb, user_id, actor, payment_id, reason, detail, items, total, currency)
SELECT %s, %s, %s, %s, %s, '', '{{}}', COUNT(amount), SUM(amount),
    CASE WHEN MIN(currency) = MAX(currency) THEN MIN(currency) ELSE '' END
FROM {_LINEITEM} WHERE payment_id = %s AND user_id = %s
"""
_JOURNALLED = f"SELECT total, currency FROM {_JOURNAL} WHERE id = %s"
_SEAL = f"UPDATE {_PAYMENT} SET amount = %s, currency = %s, sealed_at = %s WHERE id = %s"


class Bound(NamedTuple):
    """What a payment bound: the exact total, and its currency ("" if there are several)."""

    total: Decimal
    currency: str


def insert(payment: Payment, using: str) -> None:
    """Store a draft. Sends no signals: no receiver sees a payment without its amount."""
    connection = connections[using]
    fields = payment._meta.concrete_fields
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_PAYMENT} ({columns}) VALUES ({places})",
            _stored(payment, connection, *(field.name for field in fields)),
        )
    payment._state.adding, payment._state.db = False, using


def bind(payment: Payment, currency: str | None, using: str) -> int:
    """Bind the user's line items that are unbound at this moment, and count them.

    Only those in ``currency``, if it is given.
    """
    connection = connections[using]
    sql, params = _BIND, _stored(payment, connection, "id", "user")
    if currency:
        sql, params = f"{sql} AND currency = %s", [*params, currency]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def journal_bound(payment: Payment, by: str, using: str) -> Bound:
    """Write the journal, sum what was bound, and return the sum.

    In one statement, so that the whole takes six queries including BEGIN and COMMIT.
    """
    connection = connections[using]
    at = JournalEntry._meta.get_field("at").get_db_prep_save(timezone.now(), connection)
    actor = JournalEntry._meta.get_field("actor").get_db_prep_save(by, connection)
    user, identifier = _stored(payment, connection, "user", "id")
    verb = JournalEntry.Verb.PAYMENT_CREATED.value
    params = [at, verb, user, actor, identifier, identifier, user]
    with _sums_within_64_bits(), connection.cursor() as cursor:
        if connection.features.can_return_columns_from_insert:
            cursor.execute(f"{_JOURNAL_BOUND} RETURNING total, currency", params)
        else:  # MySQL
            cursor.execute(_JOURNAL_BOUND, params)
            cursor.execute(_JOURNALLED, [cursor.lastrowid])
        total, currency = cursor.fetchone()
    exact = JournalEntry._meta.get_field("total").from_db_value(total, None, connection)
    return Bound(exact or Decimal(0), currency)


def seal(payment: Payment, using: str) -> None:
    """Store the payment's amount, currency and ``sealed_at``."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_SEAL, _stored(payment, connection, "amount", "currency", "sealed_at", "id"))


def _stored(payment: Payment, connection: BaseDatabaseWrapper, *names: str) -> list[Any]:
    fields: list[Any] = [payment._meta.get_field(name) for name in names]
    return [field.get_db_prep_save(getattr(payment, field.attname), connection) for field in fields]


@contextmanager
def _sums_within_64_bits() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if "integer overflow" not in str(error):
            raise
        raise InvalidAmountError("The sum is more than SQLite can hold") from error
