"""Dates and times for people, as Babel writes them in the language that our texts are in.

Times are those of Django's current time zone, and say which that is where they prove something.
Babel is imported where it writes: a process that starts, and writes no date, does without it.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils import timezone

from . import languages

if TYPE_CHECKING:
    from babel.core import Locale


def format_date(value: dt.date) -> str:
    """``27. November 2026``: the day, of a time in the current time zone."""
    day = _local(value).date() if isinstance(value, dt.datetime) else value
    return format_day(day, languages.spoken())


# Lists show the same few days again and again.
@lru_cache(maxsize=1024)
def format_day(day: dt.date, language: str) -> str:
    """The day in this language, which is ``languages.spoken()``."""
    from babel import dates

    return dates.format_date(day, "long", locale=languages.locale(language))


def format_time(value: dt.datetime) -> str:
    """``15:04:05``: to the second, as what was used is told apart by it."""
    from babel import dates

    return dates.format_time(_local(value), "medium", locale=_locale())


def format_moment(value: dt.datetime) -> str:
    """``27. November 2026, 15:04 MEZ``: the day, the time and its zone."""
    from babel import dates

    local, locale = _local(value), _locale()
    time = dates.format_time(local, "short", locale=locale)
    return f"{format_date(value)}, {time}\u00a0{_zone(local)}"


def _locale() -> Locale:
    return languages.locale(languages.spoken())


def _local(value: dt.datetime) -> dt.datetime:
    return local(value, timezone.get_current_timezone())


def local(value: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """In this time zone; without ``USE_TZ`` Django stores times of its default zone."""
    if timezone.is_naive(value):
        return timezone.make_aware(value, timezone.get_default_timezone())
    return value.astimezone(zone)


def _zone(local: dt.datetime) -> str:
    from babel import dates

    # Most languages have no short name for most zones: then it is the difference to Greenwich.
    name = dates.get_timezone_name(local, width="short", locale=_locale())
    if name[:1] in "+-":
        return dates.get_timezone_gmt(local, width="long", locale=_locale())
    return name
