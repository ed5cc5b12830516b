"""Line items and groups as the rows of a table: what people read of all of them, made at once.

The active language and the time zone are asked for once and not for each cell, which takes longer
than writing it. A row is a dict, which templates read fastest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.safestring import SafeString

from payments_ui import dates, languages, money
from payments_ui.core.models import LineItem
from payments_ui.core.queries import Group


class Use(NamedTuple):
    """How much was used and when, as people read it.

    ``first`` and ``last`` are the days of the first and the last use, the first one only where it
    is another day; ``first_at`` and ``last_at`` name the moments in ISO 8601. ``time`` is that of
    the last use, where it is asked for.
    """

    calculation: str
    first: str
    first_at: SafeString
    last: str
    last_at: SafeString
    time: str


#: An amount's text and the amount itself, as its element shows them.
AmountElement = Callable[[str, Decimal, str], SafeString]
UseElement = Callable[[Use], SafeString]
GroupElement = Callable[[Group], SafeString]


def written(
    rows: Iterable[Group | LineItem],
    amount: AmountElement,
    use: UseElement,
    group: GroupElement,
    *,
    with_time: bool = False,
) -> list[dict[str, Any]]:
    """The rows, each with its texts beside its data.

    ``title``, ``count``, ``currency`` and ``look`` are those of the row; ``amount``, ``use`` and,
    where it stands for several line items, ``group`` are their elements.
    """
    numbers, spoken = languages.of_numbers(), languages.spoken()
    zone = timezone.get_current_timezone()

    def read(moment: dt.datetime) -> tuple[str, SafeString]:
        """The day, and the moment in ISO 8601, in which there is nothing to escape."""
        local = dates.local(moment, zone)
        known = moment if timezone.is_naive(moment) else local
        return dates.format_day(local.date(), spoken), SafeString(known.isoformat())

    found = []
    for row in rows:
        text = money.format_amount(row.amount, row.currency, numbers)
        used_from = getattr(row, "used_from", row.used_at)
        last, last_at = read(row.used_at)
        first, first_at = (last, last_at) if used_from == row.used_at else read(used_from)
        is_span = first != last
        used = Use(
            calculation=row.calculation,
            first=first if is_span else "",
            first_at=first_at if is_span else SafeString(""),
            last=last,
            last_at=last_at,
            time=dates.format_time(row.used_at) if with_time else "",
        )
        found.append(
            {
                "title": row.title,
                "currency": row.currency,
                "count": getattr(row, "count", 1),
                "look": getattr(row, "look", None),
                "amount": amount(text, row.amount, row.currency),
                "use": use(used),
                "group": group(row) if isinstance(row, Group) and row.count > 1 else "",
            }
        )
    return found
