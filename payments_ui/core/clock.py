"""The time by which nights, retries and mails are decided: one function, which tests can move."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from payments_ui.conf import settings as pui

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

_SHIFT: ContextVar[dt.timedelta] = ContextVar("payments_ui_clock", default=dt.timedelta(0))


def now() -> dt.datetime:
    """The moment, as Django's ``timezone.now``."""
    moment: dt.datetime = timezone.now()
    return moment + _SHIFT.get()


@contextmanager
def moved(by: dt.timedelta) -> Iterator[None]:
    """While it lasts, and in this thread or task, it is that much later: for tests and demos."""
    token = _SHIFT.set(_SHIFT.get() + by)
    try:
        yield
    finally:
        _SHIFT.reset(token)


def local(moment: dt.datetime, zone: str = "") -> dt.datetime:
    """The moment as clocks show it in this zone, or else in the site's.

    Where the site has no time zones (``USE_TZ`` is off) all clocks show the same.
    """
    if not settings.USE_TZ:
        return moment
    return moment.astimezone(ZoneInfo(zone) if zone else timezone.get_default_timezone())


def zone_of(user: AbstractBaseUser) -> str:
    """The user's time zone, by ``TIME_ZONE_OF``; empty: the site's."""
    if not pui.TIME_ZONE_OF:
        return ""
    zone: str | None = import_string(pui.TIME_ZONE_OF)(user)
    return zone or ""
