"""What somebody would write by hand to get the widget's HTML: one statement and joined strings.

The strings are the widget's own HTML, cut where the data stands: no tags, no translations, no
parameters, no formats but those of francs and English days. It cannot be made much faster.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.html import escape

from payments_ui.core.models import LineItem

_ROW = re.compile(r"<tr>(?:(?!<tr>).)*?</tr>", re.DOTALL)
_ROWS = re.compile(r"(?<=<tbody>).*(?=</tbody>)", re.DOTALL)
#: What differs from request to request, and from user to user.
_HOLES = {
    "token": r"(?<=csrfmiddlewaretoken\" value=\")\w+",
    "version": r"(?<=data-pui-v=\")[\d.]+",
    "total": r"(?<=pui-amount\">)[^<]+",
}
_HOLES_OF_ROW = {
    "title": r"(?<=dir=\"auto\">)[^<]+",
    "moment": r"(?<=<time datetime=\")[^\"]+",
    "day": r"(?<=\">)\w+ \d+, \d{4}(?=</time>)",
    "amount": r"(?<=pui-amount\">)[^<]+",
}
_MONTHS = "January February March April May June July August September October November December"
_MONTH = dict(enumerate(_MONTHS.split(), 1))
_STATEMENT = f"""
SELECT title, SUM(amount), MAX(used_at), MAX(id) FROM {LineItem._meta.db_table}
WHERE payment_id IS NULL AND user_id = %s GROUP BY title ORDER BY MAX(used_at) DESC LIMIT 21
"""  # noqa: S608 - our own table


class Fragment:
    """The hand-written fragment that says what ``html``, the widget, says.

    For line items of different titles, all of them on the first page.
    """

    def __init__(self, html: str) -> None:
        html = squeezed(html)
        found = _ROW.search(_ROWS.findall(html)[0])
        assert found is not None
        self._row = _with_holes(found.group(), _HOLES_OF_ROW)
        head, foot = _ROWS.split(html)
        self._head, self._foot = (_with_holes(each, _HOLES) for each in (head, foot))
        self._zone = ZoneInfo(settings.TIME_ZONE)

    def render(self, request: HttpRequest, user: User) -> str:
        """One statement, and strings."""
        with connection.cursor() as cursor:
            cursor.execute(_STATEMENT, [user.pk])
            found = cursor.fetchall()
        rows, total = [], Decimal(0)
        for title, amount, moment, _newest in found:
            at = _moment(moment).astimezone(self._zone)
            exact = _exact(amount)
            total += exact
            values = {
                "title": escape(title),
                "moment": at.isoformat(),
                "day": f"{_MONTH[at.month]} {at.day}, {at.year}",
                "amount": f"CHF\xa0{exact:,.2f}",
            }
            rows.append(self._row % values)
        values = {
            "token": get_token(request),
            "version": str(max(row[3] for row in found)),
            "total": f"CHF\xa0{total:,.2f}",
        }
        return "".join([self._head % values, *rows, self._foot % values])


def squeezed(html: str) -> str:
    """The HTML without the spaces that nobody sees."""
    return re.sub(r"\s+(?=[<>])|(?<=>)\s+|(?<=\s)\s+", "", html)


def _with_holes(html: str, holes: dict[str, str]) -> str:
    html = html.replace("%", "%%")
    for name, pattern in holes.items():
        html = re.sub(pattern, f"%({name})s", html)
    return html


def _moment(value: Any) -> dt.datetime:
    """SQLite gives a text, MariaDB a moment without a zone: both in UTC."""
    moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _exact(value: Any) -> Decimal:
    return Decimal(value).scaleb(-8) if connection.vendor == "sqlite" else Decimal(value)
