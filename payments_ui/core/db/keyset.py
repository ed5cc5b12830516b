"""Reading many rows while they are being written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db import models
from django.db.models import Q

M = TypeVar("M")


def batches(rows: models.QuerySet[Any, M], *by: str, size: int = 500) -> Iterator[list[M]]:
    """The rows in the order of these fields, which together are unique, in lists of ``size``.

    Each list is a query of its own that starts after the last row of the one before. So no
    cursor stays open, which on SQLite would lock out everybody who writes, and memory is
    bounded. Rows that no longer match when their list is read are left out.
    """
    rows = rows.order_by(*by)
    beyond = Q()
    while batch := list(rows.filter(beyond)[:size]):
        yield batch
        if len(batch) < size:
            return
        beyond = _beyond(by, batch[-1])


def _beyond(by: Sequence[str], row: object) -> Q:
    first, *others = by
    value = getattr(row, first)
    greater = Q(**{f"{first}__gt": value})
    return greater | (Q(**{first: value}) & _beyond(others, row)) if others else greater
