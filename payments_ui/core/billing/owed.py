"""What a user owes and is billed for now: sums, thresholds and the site's schedule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db.models import Min, Q, QuerySet, Sum
from django.utils.module_loading import import_string

from payments_ui import money
from payments_ui.conf import settings
from payments_ui.core import clock
from payments_ui.core.models import LineItem, Payment

from .schedules import Owing, Schedule

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

#: Below so many minor units no user is billed, where ``BILLING_MINIMUM`` says nothing: CHF 5.00.
LEAST = 500


def payers(
    *,
    user: Any = None,
    currency: str = "",
    after: tuple[Any, str] | None = None,
    upto: Any = None,
    size: int = 500,
) -> list[tuple[Any, str]]:
    """Users and currencies with anything that is not paid, in the order of the database.

    Of one ``user`` only, or of all after ``after``, the last one that was seen; ``upto`` is the
    last user that is wanted. Three queries, however many there are.
    """
    sources = [_keys(rows, after) for rows in _unpaid(user, currency, user_id__lte=upto)]
    # The first of both together are among the first of each; only the database can order keys.
    users = {user_id for keys in sources for user_id, _currency in keys[:size]}
    if not users:
        return []
    unbound, pending = (keys.order_by().filter(user_id__in=users) for keys in sources)
    return list(unbound.union(pending).order_by("user_id", "currency")[:size])


def count(*, user: Any = None, currency: str = "") -> int:
    """How many ``payers`` there are in all. One query that reads all of them."""
    unbound, pending = (_keys(rows, None).order_by() for rows in _unpaid(user, currency))
    return unbound.union(pending).count()


def _unpaid(user: Any, currency: str, **bounds: Any) -> tuple[QuerySet[Any], ...]:
    only = {"user_id": user, "currency": currency or None, **bounds}
    given = {name: value for name, value in only.items() if value is not None}
    rows = LineItem.objects.unbound(), Payment.objects.pending()
    return tuple(unpaid.filter(**given) for unpaid in rows)


def _keys(rows: QuerySet[Any], after: tuple[Any, str] | None) -> QuerySet[Any, tuple[Any, str]]:
    if after is not None:
        later = Q(user_id=after[0], currency__gt=after[1])
        rows = rows.filter(Q(user_id__gt=after[0]) | later)
    return rows.order_by("user_id", "currency").values_list("user_id", "currency").distinct()


@dataclass(frozen=True, slots=True)
class Unbound:
    """What is recorded and in no payment: the exact sum, and when the oldest was recorded."""

    amount: Decimal
    since: dt.datetime


def unbound(users: Collection[Any]) -> Mapping[tuple[Any, str], Unbound]:
    """What each of these users has not begun to pay, by user and currency. One query."""
    rows = LineItem.objects.unbound().filter(user__in=users).order_by()
    sums = rows.values_list("user_id", "currency").annotate(Sum("amount"), Min("created_at"))
    return {(user, currency): Unbound(*sum_) for user, currency, *sum_ in sums}


def is_billed(user: AbstractBaseUser, currency: str, owes: Unbound | None) -> bool:
    """Whether this, which the user has not begun to pay, is billed now.

    Never below ``BILLING_MINIMUM``; from ``BILLING_AMOUNT`` on whatever the day is; else by
    ``BILLING_SCHEDULE``.
    """
    if owes is None or owes.amount < least(currency):
        return False
    at_once = _limit(settings.BILLING_AMOUNT, currency)
    if at_once is not None and owes.amount >= at_once:
        return True
    local = partial(clock.local, zone=clock.zone_of(user))
    schedule: Schedule = import_string(settings.BILLING_SCHEDULE)
    since, now = local(owes.since), local(clock.now())
    owing = Owing(user=user, currency=currency, amount=owes.amount, since=since, now=now)
    return schedule(owing)


def least(currency: str) -> Decimal:
    """What is owed at least where a user is billed: ``BILLING_MINIMUM``, else 5.00 and its like.

    Never less than the currency's smallest unit, since nothing is no payment.
    """
    smallest = money.from_minor_units(1, currency)
    given = _limit(settings.BILLING_MINIMUM, currency)
    return max(smallest, money.from_minor_units(LEAST, currency) if given is None else given)


def _limit(limits: Mapping[str, Decimal | int | str], currency: str) -> Decimal | None:
    limit = limits.get(currency)
    return None if limit is None else money.exact_amount(limit)
