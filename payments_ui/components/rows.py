"""Line items and groups as the rows of a table: what people read of all of them, made at once.

The active language and the time zone are asked for once and not for each cell, which takes longer
than writing it. A row is a dict, which templates read fastest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString

from payments_ui import dates, languages, money
from payments_ui.core.models import LineItem
from payments_ui.core.queries import Group

#: An amount's text and the amount itself, as its element shows them.
Amount = Callable[[str, Decimal, str], SafeString]


def written(rows: Iterable[Group | LineItem], amount: Amount) -> list[dict[str, Any]]:
    """The rows, each with its texts beside its data.

    ``title``, ``calculation``, ``count``, ``currency`` and ``look`` are those of the row;
    ``amount`` is its element. ``first`` and ``last`` are the days of its first and last use, the
    first one only where it is another day; ``first_at`` and ``last_at`` name the moments in ISO
    8601.
    """
    numbers, spoken = languages.of_numbers(), languages.spoken()
    zone = timezone.get_current_timezone()

    def day(moment: dt.datetime) -> str:
        return dates.format_day(dates.local(moment, zone).date(), spoken)

    def iso(moment: dt.datetime) -> str:
        return (moment if timezone.is_naive(moment) else moment.astimezone(zone)).isoformat()

    found = []
    for row in rows:
        text = money.format_amount(row.amount, row.currency, numbers)
        used_from, last = getattr(row, "used_from", None), day(row.used_at)
        first = day(used_from) if used_from else last
        found.append(
            {
                "title": row.title,
                "currency": row.currency,
                "calculation": row.calculation,
                "count": getattr(row, "count", 1),
                "look": getattr(row, "look", None),
                "amount": amount(text, row.amount, row.currency),
                "first": first if first != last else "",
                "first_at": iso(used_from) if used_from and first != last else "",
                "last": last,
                "last_at": iso(row.used_at),
                "used_at": row.used_at,
            }
        )
    return found
