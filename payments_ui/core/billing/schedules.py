"""Billing schedules: functions that say whether what a user owes is billed now.

``BILLING_SCHEDULE`` names one of these, or one of the site's. They decide by what is stored alone,
so a night that was left out is made up for by the next one, and a night that runs twice bills once.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@dataclass(frozen=True, slots=True, kw_only=True)
class Owing:
    """What a user owes in one currency and has not begun to pay.

    ``amount`` is the exact sum. ``since``, when the oldest charge was recorded, and ``now`` are in
    the user's time zone.
    """

    user: AbstractBaseUser
    currency: str
    amount: Decimal
    since: dt.datetime
    now: dt.datetime


Schedule = Callable[[Owing], bool]


def monthly(owing: Owing) -> bool:
    """Each month on the day on which the user joined, or on the last day of a shorter month.

    Of users without ``date_joined``, on the first.
    """
    joined = getattr(owing.user, "date_joined", None)
    if joined and owing.now.tzinfo:
        # Databases give it in UTC, where it may be another day.
        joined = joined.astimezone(owing.now.tzinfo)
    return owing.since < _begin(owing.now, joined.day if joined else 1)


def on_the_first(owing: Owing) -> bool:
    """On the first day of each month."""
    return owing.since < _begin(owing.now, 1)


def nightly(owing: Owing) -> bool:
    """Whenever the command runs."""
    return True


def only_above(owing: Owing) -> bool:
    """Never by date: only where ``BILLING_AMOUNT`` is reached."""
    return False


def _begin(now: dt.datetime, day: int) -> dt.datetime:
    """The begin of the latest such day of a month that is not after now."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    this = _on(midnight, day)
    return this if this <= now else _on(midnight.replace(day=1) - dt.timedelta(days=1), day)


def _on(moment: dt.datetime, day: int) -> dt.datetime:
    last = calendar.monthrange(moment.year, moment.month)[1]
    return moment.replace(day=min(day, last))
