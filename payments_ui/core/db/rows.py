"""Rows that statements of our own write and return, as Django's own write and read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings
from django.db import connections, models, transaction
from django.db.models import signals

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


def insert(instance: models.Model, using: str) -> None:
    """Store a new instance, whose key the database makes and the caller does not ask for.

    As ``save()``, by an INSERT that is built once, unless the site listens to the model's signals.
    """
    model = type(instance)
    if signals.pre_save.has_listeners(model) or signals.post_save.has_listeners(model):
        instance.save(using=using)
        return
    connection = connections[using]
    fields, sql = _insert_sql(model, using)
    values = [
        field.get_db_prep_save(field.pre_save(instance, True), connection) for field in fields
    ]
    with transaction.mark_for_rollback_on_error(using=using), connection.cursor() as cursor:
        cursor.execute(sql, values)


@lru_cache(maxsize=16)
def _insert_sql(model: type[models.Model], using: str) -> tuple[list[Any], str]:
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    quoted = connections[using].ops.quote_name
    into = ", ".join(quoted(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return fields, f"INSERT INTO {model._meta.db_table} ({into}) VALUES ({places})"  # noqa: S608


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
