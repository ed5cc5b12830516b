"""Record a use: one statement where its key is new, and a second one where it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction
from django.db.models.signals import post_save, pre_save

from payments_ui import money
from payments_ui.core.db.locks import retrying
from payments_ui.exceptions import KeyConflictError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from .model import LineItem

#: Names the unique index, also where it covers those rows only that have a key.
ON_KNOWN_KEY = ' ON CONFLICT ("user_id", "key") WHERE "key" IS NOT NULL DO NOTHING'
#: The same on MariaDB and MySQL, where IGNORE would hide other errors. It sets nothing but the
#: number that the driver tells, to 0: what they tell of a row that stays as it is, they leave open.
ON_DUPLICATE_KEY = " ON DUPLICATE KEY UPDATE id = id + LAST_INSERT_ID(0)"
_ENDINGS = {
    "postgresql": f"{ON_KNOWN_KEY} RETURNING id",
    "sqlite": ON_KNOWN_KEY,
    "mysql": ON_DUPLICATE_KEY,
}

#: The number of the new row, or what is false where there is none.
_NUMBERS: Mapping[str, Callable[[Any], int | None]] = {
    "postgresql": lambda cursor: (cursor.fetchone() or (None,))[0],
    "sqlite": lambda cursor: cursor.rowcount and cursor.lastrowid,
    "mysql": lambda cursor: cursor.lastrowid,
}


@retrying
def insert_once(item: LineItem, using: str) -> bool:
    """Store the item and return true, or return false where its user and key are known.

    A known key is no error of the database's, so that the caller's transaction goes on.
    """
    model = type(item)
    if not (pre_save.has_listeners(model) or post_save.has_listeners(model)):
        # One INSERT needs no transaction, and two thirds of the round trips are spared.
        with transaction.mark_for_rollback_on_error(using=using):
            return _insert(item, using)
    told = {"instance": item, "raw": False, "using": using, "update_fields": None}
    # A savepoint, so that what receivers wrote goes where the key is known.
    with transaction.atomic(using=using, savepoint=item.key is not None):
        pre_save.send(sender=model, **told)
        is_new = _insert(item, using)
        if is_new:
            post_save.send(sender=model, created=True, **told)
        else:
            transaction.set_rollback(True, using=using)
    return is_new


def first_recorded(item: LineItem, using: str) -> LineItem:
    """Return what the item's user and key were recorded as; raise ``KeyConflictError`` if other."""
    stored = _stored(item, using)
    first = None if stored is None else (stored.amount, stored.currency)
    if stored is None or first != (item.amount, item.currency):
        raise conflict(item.key, first, (item.amount, item.currency))
    return stored


def conflict(
    key: str | None, first: tuple[Decimal, str] | None, now: tuple[Decimal, str]
) -> KeyConflictError:
    """The error for a key that was recorded with another amount or currency, or is gone again."""
    if first is None:
        return KeyConflictError(f"Key {key!r} is being recorded or deleted by others just now")
    recorded_as, asked = money.format_amount(*first), money.format_amount(*now)
    return KeyConflictError(f"Key {key!r} was recorded as {recorded_as}, now it is {asked}")


def quoted(column: Any, vendor: str) -> str:
    """The column's name in SQL, since ``key`` is a word of MariaDB's."""
    return f"`{column}`" if vendor == "mysql" else f'"{column}"'


@lru_cache(maxsize=8)
def _insert_sql(model: type[LineItem], vendor: str) -> tuple[list[Any], str]:
    """The columns to fill, and the statement."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(quoted(field.column, vendor) for field in fields)
    values = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({values})"  # noqa: S608
    return fields, sql + _ENDINGS[vendor]


def _insert(item: LineItem, using: str) -> bool:
    connection = connections[using]
    fields, sql = _insert_sql(type(item), connection.vendor)
    values = [field.get_db_prep_save(getattr(item, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        number = _NUMBERS[connection.vendor](cursor)
    if not number:
        return False
    item.pk = number
    item._state.adding, item._state.db = False, using
    return True


@lru_cache(maxsize=8)
def _select_sql(model: type[LineItem], vendor: str) -> tuple[list[Any], str]:
    """The columns that are read, and the statement."""
    columns = [field.get_col(model._meta.db_table) for field in model._meta.concrete_fields]
    names = ", ".join(quoted(column.target.column, vendor) for column in columns)
    which = f"user_id = %s AND {quoted('key', vendor)} = %s"
    return columns, f"SELECT {names} FROM {model._meta.db_table} WHERE {which}"  # noqa: S608


def _stored(item: LineItem, using: str) -> LineItem | None:
    connection = connections[using]
    columns, sql = _select_sql(type(item), connection.vendor)
    fields: Any = type(item)._meta
    which = [
        fields.get_field(name).get_db_prep_value(getattr(item, name), connection)
        for name in ("user_id", "key")
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, which)
        row = cursor.fetchone()
    if row is None:
        return None
    values = [_read(value, column, connection) for value, column in zip(row, columns, strict=True)]
    return type(item).from_db(using, [column.target.attname for column in columns], values)


def _read(value: Any, column: Any, connection: BaseDatabaseWrapper) -> Any:
    """The column's value as Django's own queries read it."""
    converters = connection.ops.get_db_converters(column)
    for convert in (*converters, *column.get_db_converters(connection)):
        value = convert(value, column, connection)
    return value
