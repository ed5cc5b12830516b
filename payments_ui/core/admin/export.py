"""The admin action that downloads the selected rows of a list as CSV."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar, Protocol

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext_lazy as _

from payments_ui import money

#: Rows that are read at once.
_CHUNK = 500


class Exported(Protocol):
    """The admin of a list that can be downloaded: its columns, and the path to each row's user."""

    opts: Any
    csv_columns: ClassVar[tuple[str, ...]]
    user_path: str


class _Line:
    """A file that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


@admin.action(description=_("Download as CSV"), permissions=["view"])
def export_csv(
    modeladmin: Exported, request: HttpRequest, queryset: QuerySet[Any]
) -> StreamingHttpResponse:
    """Send all selected rows, a few at a time: exact amounts, ISO 8601 dates."""
    lines = _lines(modeladmin, queryset)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"{modeladmin.opts.model_name}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(modeladmin: Exported, rows: QuerySet[Any]) -> Iterator[str]:
    writer: Any = csv.writer(_Line())
    yield writer.writerow(modeladmin.csv_columns)
    columns = [_column(modeladmin, name) for name in modeladmin.csv_columns]
    if modeladmin.user_path:
        rows = rows.select_related(modeladmin.user_path)
    for row in rows.iterator(chunk_size=_CHUNK):
        currency = getattr(row, "currency", "")
        yield writer.writerow([_cell(column(row), currency) for column in columns])


def _column(modeladmin: Exported, name: str) -> Any:
    """What finds the value: a method of the admin for files, the user, or the row's attribute."""
    if own := getattr(modeladmin, f"csv_{name}", None):
        return own
    return attrgetter(modeladmin.user_path.replace("__", ".") if name == "user" else name)


def _cell(value: object, currency: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return str(money.padded(value, currency))
    if isinstance(value, dt.datetime):
        return value.isoformat()
    text = str(value)
    # A spreadsheet would run such a text as a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
