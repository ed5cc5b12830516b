"""Rows that a statement of our own returns, read as Django's own queries read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings
from django.db import connections, models

M = TypeVar("M", bound=models.Model)


@lru_cache(maxsize=32)
def columns(model: type[models.Model], using: str) -> str:
    """The columns of which ``instance`` takes the values, for SQL."""
    quoted = connections[using].ops.quote_name
    return ", ".join(quoted(str(field.column)) for field in model._meta.concrete_fields)


def instance(model: type[M], row: Sequence[Any], using: str) -> M:
    """The instance that a row of these columns is."""
    values, connection = list(row), connections[using]
    for at, column in _converted(model, using, settings.USE_TZ):
        for convert in _converters(column, connection):
            values[at] = convert(values[at], column, connection)
    return model.from_db(using, _names(model), values)


@lru_cache(maxsize=16)
def _names(model: type[models.Model]) -> list[str]:
    return [str(field.attname) for field in model._meta.concrete_fields]


@lru_cache(maxsize=32)
def _converted(model: type[models.Model], using: str, _zones: bool) -> list[tuple[int, Any]]:
    """Which columns this database gives back otherwise than Django does."""
    found = (field.get_col(model._meta.db_table) for field in model._meta.concrete_fields)
    connection = connections[using]
    return [(at, col) for at, col in enumerate(found) if [*_converters(col, connection)]]


def _converters(column: Any, connection: Any) -> Iterator[Any]:
    yield from connection.ops.get_db_converters(column)
    yield from column.get_db_converters(connection)
