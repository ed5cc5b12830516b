"""The SQL of ``create_pending``: building these statements took longer than running them.

Each is one statement whatever the number of line items, and goes through the models'
fields, so that values are stored as the ORM stores them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import OperationalError, connections
from django.utils import timezone

from payments_ui.core.db import failpoints, rows
from payments_ui.core.db.failpoints import Point
from payments_ui.core.journal import JournalEntry
from payments_ui.core.rules.currencies import by_minor_unit
from payments_ui.exceptions import InvalidAmountError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from .model import Payment

_LINEITEM = "payments_core_lineitem"
_PAYMENT = "payments_core_payment"
_JOURNAL = JournalEntry._meta.db_table

#: What Payment.amount holds; SQLite keeps 15 digits of it exactly.
LIMIT = 10**11

# ruff: noqa: S608 - only our own tables' names go in
_BIND = f"UPDATE {_LINEITEM} SET payment_id = %s WHERE payment_id IS NULL AND user_id = %s"
_ENTRY = f"""INSERT INTO {_JOURNAL}
    (at, verb, user_id, actor, payment_id, reason, detail, items, total, currency)
SELECT %s, %s, %s, %s, %s, '', '{{}}',"""
_BOUND = f"""COUNT(amount) AS items, SUM(amount) AS total,
    CASE WHEN MIN(currency) = MAX(currency) THEN MIN(currency) ELSE '' END AS currency
FROM {_LINEITEM} WHERE payment_id = %s AND user_id = %s"""
_JOURNAL_BOUND = f"{_ENTRY} {_BOUND}"
_JOURNALLED = f"SELECT total, currency FROM {_JOURNAL} WHERE id = %s"
_SEAL = f"UPDATE {_PAYMENT} SET amount = %s, currency = %s, sealed_at = %s WHERE id = %s"
# PostgreSQL journals and seals in one statement. It rounds half up: what lies half way, and what is
# no amount of a payment, it leaves.
_JOURNAL_AND_SEAL = f"""
WITH bound AS (
    SELECT {by_minor_unit("0", "3", "2", "MIN(currency)")} AS decimals, {_BOUND}
), entry AS (
    {_ENTRY} items, total, currency FROM bound
), sealed AS (
    UPDATE {_PAYMENT} SET amount = ROUND(total, decimals), currency = bound.currency, sealed_at = %s
    FROM bound WHERE id = %s AND bound.currency <> '' AND total < {LIMIT - 1}
    AND (ROUND(total, decimals) > 0 OR total = 0)
    AND ROUND(total, decimals) = ROUND(total - 0.00000001, decimals)
    RETURNING id
)
SELECT total, currency, EXISTS (SELECT FROM sealed) FROM bound
"""


class Bound(NamedTuple):
    """What a payment bound: the exact total, and its currency ("" if there are several)."""

    total: Decimal
    currency: str
    #: Whether that is the payment's amount already.
    is_sealed: bool


def insert(payment: Payment, using: str) -> None:
    """Store a draft. Sends no signals: no receiver sees a payment without its amount."""
    with connections[using].cursor() as cursor:
        cursor.execute(*_insert(payment, using))
    payment._state.adding, payment._state.db = False, using


def insert_and_bind(payment: Payment, currency: str | None, using: str) -> int:
    """Store a draft, bind the user's line items that are unbound then, and count them.

    Only those in ``currency``, if it is given.
    """
    if connections[using].vendor != "postgresql":
        insert(payment, using)
        failpoints.hit(Point.CREATE_BEFORE_BIND)
        return bind(payment, currency, using)
    # In one statement: rules are asked when all of it is done.
    into, values = _insert(payment, using)  # runs on PostgreSQL only
    failpoints.hit(Point.CREATE_BEFORE_BIND)  # runs on PostgreSQL only
    count = bind(
        payment, currency, using, f"WITH draft AS ({into}) ", values
    )  # runs on PostgreSQL only
    payment._state.adding, payment._state.db = False, using  # runs on PostgreSQL only
    return count  # runs on PostgreSQL only


def bind(
    payment: Payment, currency: str | None, using: str, first: str = "", values: Sequence[Any] = ()
) -> int:
    """Bind the user's line items that are unbound at this moment, and count them.

    Only those in ``currency``, if it is given. ``first`` and its ``values`` stand before it.
    """
    connection = connections[using]
    sql, params = f"{first}{_BIND}", [*values, *_stored(payment, connection, "id", "user")]
    if currency:
        sql, params = f"{sql} AND currency = %s", [*params, currency]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def journal_bound(payment: Payment, by: str, using: str) -> Bound:
    """Write the journal, sum what was bound, and return the sum; on PostgreSQL seal it, too.

    In one statement, so that the whole takes six queries at most, BEGIN and COMMIT included.
    """
    connection = connections[using]
    at = JournalEntry._meta.get_field("at").get_db_prep_save(timezone.now(), connection)
    actor = JournalEntry._meta.get_field("actor").get_db_prep_save(by, connection)
    user, identifier = _stored(payment, connection, "user", "id")
    verb = JournalEntry.Verb.PAYMENT_CREATED.value
    entry = [at, verb, user, actor, identifier]
    with _sums_within_64_bits(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # runs on PostgreSQL only
            seal_ = _stored(payment, connection, "sealed_at", "id")
            cursor.execute(_JOURNAL_AND_SEAL, [identifier, user, *entry, *seal_])
        elif connection.features.can_return_columns_from_insert:
            cursor.execute(
                f"{_JOURNAL_BOUND} RETURNING total, currency", [*entry, identifier, user]
            )
        else:  # MySQL
            cursor.execute(_JOURNAL_BOUND, [*entry, identifier, user])
            cursor.execute(_JOURNALLED, [cursor.lastrowid])
        total, currency, *sealed = cursor.fetchone()
    exact = JournalEntry._meta.get_field("total").from_db_value(total, None, connection)
    return Bound(exact or Decimal(0), currency, is_sealed=sealed == [True])


def seal(payment: Payment, using: str) -> None:
    """Store the payment's amount, currency and ``sealed_at``."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_SEAL, _stored(payment, connection, "amount", "currency", "sealed_at", "id"))


def _insert(payment: Payment, using: str) -> tuple[str, list[Any]]:
    fields = payment._meta.concrete_fields
    values = _stored(payment, connections[using], *(field.name for field in fields))
    places = ", ".join(["%s"] * len(fields))
    return (
        f"INSERT INTO {_PAYMENT} ({rows.columns(type(payment), using)}) VALUES ({places})",
        values,
    )


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
