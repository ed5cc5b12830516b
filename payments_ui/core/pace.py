"""How fast a PSP may be asked, by all processes together: the rows that workers share."""

from __future__ import annotations

import datetime as dt
from typing import TypedDict

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from payments_ui.core.db.fields import IdentifierField
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.querysets import BooksQuerySet


class Pace(models.Model):
    """When the next request may be sent to an account at a PSP."""

    name = IdentifierField(_("account"), max_length=200, unique=True)
    free_at = models.DateTimeField(_("free at"), default=dt.datetime(2000, 1, 1, tzinfo=dt.UTC))

    objects = BooksQuerySet["Pace"].as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("pace of an account")
        verbose_name_plural = _("paces of accounts")

    def __str__(self) -> str:
        return self.name


#: So long, or for so many turns, there may be a queue. What says that it is longer was written by
#: a clock that has been put back since.
LONGEST = dt.timedelta(minutes=5)
MOST = 100


class _Read(TypedDict):
    free_at: dt.datetime
    now: dt.datetime


@retrying
def reserve(name: str, *, seconds: float) -> float:
    """Reserve so much of the account's time; how many seconds from now it begins.

    At most ``LONGEST`` from now, or ``MOST`` times as long, whatever the database's clock has done.
    By that clock, as workers on several machines have one each. Compare-and-set, and no lock: a
    worker that falls asleep here keeps no other from going on.
    """
    rows, turn = Pace.objects.filter(name=name), dt.timedelta(seconds=seconds)
    longest = max(LONGEST, MOST * turn)
    while True:
        row = _read(name)
        is_queue = row["now"] < row["free_at"] <= row["now"] + longest
        begins = row["free_at"] if is_queue else row["now"]
        until = begins + turn
        if rows.filter(free_at=row["free_at"]).update(free_at=until):
            wait: dt.timedelta = begins - row["now"]
            return wait.total_seconds()


@retrying
def database_time(name: str) -> float:
    """What the database's clock shows, in seconds since 1970; it may be read under any name."""
    return _read(name)["now"].timestamp()


def _read(name: str) -> _Read:
    """The account's row with the database's time; made where there is none yet."""
    rows = Pace.objects.filter(name=name).annotate(now=Now()).values("free_at", "now")
    while True:
        row = rows.first()
        if row is not None:
            return _Read(free_at=row["free_at"], now=row["now"])
        Pace.objects.bulk_create([Pace(name=name)], ignore_conflicts=True)
