"""What a user owes: read in a constant number of queries and with exact totals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connections, router
from django.db.models import Count, Max, Min, QuerySet, Sum

from payments_ui import money

from .models import Attempt, JournalEntry, LineItem, Payment, Refund
from .refunds.model import RefundQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.backends.base.base import BaseDatabaseWrapper

    class PendingPayment(Payment):
        """A payment as ``pending_payments`` reads it."""

        #: Whether it has an open attempt.
        is_processing: bool


# What every page with a widget asks, as SQL: building these takes longer than running them.
# ruff: noqa: S608 - only our own tables' names go in
_LINEITEM = LineItem._meta.db_table
_JOURNAL = JournalEntry._meta.db_table
_BY_CURRENCY = f"""
SELECT currency, COUNT(*), SUM(amount) FROM {_LINEITEM}
WHERE payment_id IS NULL AND user_id = %s GROUP BY currency ORDER BY currency
"""
_PENDING = f"""
SELECT payment.*, EXISTS (
    SELECT 1 FROM {Attempt._meta.db_table} WHERE open_payment = payment.id
) AS is_processing
FROM {Payment._meta.db_table} AS payment
WHERE user_id = %s AND (%s = '' OR currency = %s)
    AND charged_at IS NULL AND cancelled_at IS NULL AND undone_at IS NULL
ORDER BY created_at DESC LIMIT %s
"""
# An id that comes late replaces a lower one or joins: the sums only grow.
_NEWEST = f"""
SELECT
    (SELECT COALESCE(SUM(id), 0) FROM
        (SELECT id FROM {_LINEITEM} WHERE user_id = %s ORDER BY id DESC LIMIT 50) AS newest_items),
    (SELECT COALESCE(SUM(id), 0) FROM
        (SELECT id FROM {_JOURNAL} WHERE user_id = %s ORDER BY id DESC LIMIT 50) AS newest_entries)
"""


@dataclass(frozen=True, slots=True)
class Total:
    """A user's unbound line items in one currency; ``amount`` is exact."""

    currency: str
    count: int
    amount: Decimal

    @property
    def payable(self) -> Decimal:
        """What a payment of all of it would ask for: rounded once to the minor unit."""
        return money.round_amount(self.amount, self.currency)

    @property
    def is_credit(self) -> bool:
        """Whether the user has more credit than charges."""
        return self.amount < 0

    @property
    def is_too_small(self) -> bool:
        """Whether the amount is above zero, but rounds to nothing."""
        return self.amount > 0 and not self.payable


@dataclass(frozen=True, slots=True)
class Group:
    """Line items of one title, currency, unit and unit price; amount and quantity are sums."""

    currency: str
    title: str
    unit: str
    unit_price: Decimal | None
    count: int
    amount: Decimal
    quantity: Decimal | None
    #: The first and the last use.
    used_from: dt.datetime
    used_at: dt.datetime

    @property
    def calculation(self) -> str:
        """How the amount comes about, for people; empty for amounts alone."""
        return money.format_product(self.quantity, self.unit, self.unit_price, self.currency)


def totals(user: AbstractBaseUser) -> list[Total]:
    """Unbound line items by currency, in the order of the currencies' codes. One query."""
    connection, owner = _reader(user)
    exact = LineItem._meta.get_field("amount")
    with connection.cursor() as cursor:
        cursor.execute(_BY_CURRENCY, [owner])
        return [
            Total(currency, count, exact.from_db_value(amount, None, connection) or Decimal(0))
            for currency, count, amount in cursor.fetchall()
        ]


def pending_payments(
    user: AbstractBaseUser, currency: str = "", *, limit: int
) -> list[PendingPayment]:
    """Return the payments that are not charged yet, newest first, in any currency or this one.

    One query.
    """
    _connection, owner = _reader(user)
    rows: Any = Payment.all_objects.raw(_PENDING, [owner, currency, currency, limit])
    return list(rows)


@cache
def _groups() -> QuerySet[LineItem, tuple[Any, ...]]:
    # Built once, since that takes longer than running it. The caller says whose items.
    rows = LineItem.objects.order_by().values_list("title", "unit", "unit_price")
    rows = rows.annotate(
        *(Count("id"), Sum("amount"), Sum("quantity"), Min("used_at")), newest=Max("used_at")
    )
    return rows.order_by("-newest", "title", "unit", "unit_price")  # type: ignore[no-any-return]


def newer(payment: Payment) -> Total | None:
    """Unbound line items recorded since the payment was made, in its currency. One query."""
    newer_items = LineItem.objects.unbound().filter(
        user=payment.user_id, currency=payment.currency, created_at__gt=payment.created_at
    )
    row = newer_items.aggregate(count=Count("id"), amount=Sum("amount"))
    return Total(payment.currency, **row) if row["count"] else None


def groups(
    user: AbstractBaseUser,
    currency: str,
    *,
    limit: int,
    offset: int = 0,
    payment: Payment | None = None,
) -> list[Group]:
    """Line items by title, unit and price, the last use first: unbound, or those of ``payment``.

    One query.
    """
    rows = _groups().filter(user=user.pk, currency=currency, payment=payment)
    return [Group(currency, *row) for row in rows[offset : offset + limit]]


def items(
    user: AbstractBaseUser,
    currency: str,
    *,
    limit: int,
    offset: int = 0,
    payment: Payment | None = None,
) -> list[LineItem]:
    """Line items, the last use first: unbound, or those of ``payment``. One query."""
    rows = LineItem.objects.filter(user=user.pk, currency=currency, payment=payment)
    return list(rows.order_by("-used_at", "-pk")[offset : offset + limit])


def refunds() -> RefundQuerySet:
    """Refunds of what charged a payment, given back or on their way, oldest first.

    Unexpected money that was sent back is no refund of what was paid.
    """
    rows: Any = Refund.objects.reserving().filter(attempt__state=Attempt.State.SETTLED)
    return rows.order_by("requested_at", "pk")  # type: ignore[no-any-return]


def is_refunded(payment: Payment, of_payment: Sequence[Refund]) -> bool:
    """Whether these refunds have given back all that was paid."""
    done = (refund.amount for refund in of_payment if not refund.is_open)
    return bool(payment.amount) and sum(done, start=Decimal(0)) == payment.amount


def version(user: AbstractBaseUser) -> str:
    """Return a text that changes whenever the user's line items or payments do.

    Made of the ids of the newest line items and the newest journal entries: everything else
    that happens is journalled in its own transaction. Of the newest 50, because a slow
    transaction commits an id that another has overtaken. Reveals no amounts. One query on
    two indexes.
    """
    connection, owner = _reader(user)
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [owner, owner])
        return "{}.{}".format(*cursor.fetchone())


def _reader(user: AbstractBaseUser) -> tuple[BaseDatabaseWrapper, Any]:
    connection = connections[router.db_for_write(LineItem, instance=user)]
    return connection, LineItem._meta.get_field("user").get_db_prep_save(user.pk, connection)
