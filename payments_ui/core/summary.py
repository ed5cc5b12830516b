"""What a user owes, in a constant number of queries and with exact totals."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import connections, router
from django.db.models import Count, Max, Sum

from payments_ui import money

from .models import JournalEntry, LineItem, Payment
from .models.lineitems import LineItemQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


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
        """Whether there is something to pay that rounds to nothing."""
        return self.amount > 0 and not self.payable


@dataclass(frozen=True, slots=True)
class Group:
    """Line items of one title and currency; ``amount`` is their exact sum."""

    title: str
    currency: str
    count: int
    amount: Decimal
    last_at: dt.datetime


def totals(user: AbstractBaseUser) -> list[Total]:
    """Unbound line items by currency, in the order of the currencies' codes. One query."""
    rows = (
        LineItem.objects.filter(user=user.pk)
        .unbound()
        .order_by("currency")
        .values_list("currency")
        .annotate(Count("id"), Sum("amount"))
    )
    return [Total(*row) for row in rows]


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
    """Line items grouped by title, newest first: unbound, or those of ``payment``. One query."""
    rows = (
        _items(user, currency, payment)
        .values_list("title", "currency")
        .annotate(Count("id"), Sum("amount"), last=Max("created_at"))
        .order_by("-last", "title")[offset : offset + limit]
    )
    return [Group(*row) for row in rows]


def items(
    user: AbstractBaseUser,
    currency: str,
    *,
    limit: int,
    offset: int = 0,
    payment: Payment | None = None,
) -> list[LineItem]:
    """Line items, newest first: unbound, or those of ``payment``. One query."""
    rows = _items(user, currency, payment).order_by("-created_at", "-pk")
    return list(rows[offset : offset + limit])


def _items(user: AbstractBaseUser, currency: str, payment: Payment | None) -> LineItemQuerySet:
    rows = LineItem.objects.filter(user=user.pk, currency=currency, payment=payment)
    return rows.order_by()  # type: ignore[no-any-return]


def version(user: AbstractBaseUser) -> str:
    """Changes whenever the user's line items or payments do. One query on two indexes.

    Made of the ids of the newest line items and the newest journal entries: everything else
    that happens is journalled in its own transaction. Several of them rather than the newest
    one, because a slow transaction commits an id that another has overtaken. Says nothing
    about amounts.
    """
    newest = _NEWEST.format(items=LineItem._meta.db_table, journal=JournalEntry._meta.db_table)
    connection = connections[router.db_for_read(LineItem, instance=user)]
    owner = LineItem._meta.get_field("user").get_db_prep_save(user.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(newest, [owner, owner])
        return "{}.{}".format(*cursor.fetchone())


# An id that comes late replaces a lower one or joins: the sums only grow.
_NEWEST = """
SELECT
    (SELECT COALESCE(SUM(id), 0) FROM
        (SELECT id FROM {items} WHERE user_id = %s ORDER BY id DESC LIMIT 50) AS newest_items),
    (SELECT COALESCE(SUM(id), 0) FROM
        (SELECT id FROM {journal} WHERE user_id = %s ORDER BY id DESC LIMIT 50) AS newest_entries)
"""
