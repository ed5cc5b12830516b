"""How each database stores many uses at once: those whose key is new, and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import IntegrityError

from payments_ui.core.rules.lineitems import ONCE

from .recording import ON_DUPLICATE_KEY, ON_KNOWN_KEY, quoted

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from .model import LineItem

#: Amount and currency that a key was recorded with.
First = tuple[Decimal, str]
#: User and key, of whatever type the database gives them back in.
Identity = tuple[str, str]

_COLUMNS = (
    *("user_id", "used_at", "title", "amount", "currency"),
    *("quantity", "unit", "unit_price", "key", "created_at"),
)
_ROW = f"({', '.join(['%s'] * len(_COLUMNS))})"
# Keys that are looked for in one statement.
_PAIRS = 400
# MariaDB's and MySQL's number of a refused duplicate.
_DUPLICATE = 1062


class Use(NamedTuple):
    """A checked row: what its columns hold, and its number."""

    user: Any
    used_at: Any
    title: str
    amount: Decimal
    currency: str
    quantity: Decimal | None
    unit: str
    unit_price: Decimal | None
    key: str
    created_at: Any
    number: int


def identity(use: Use) -> Identity:
    """What a use is known by."""
    return str(use.user), use.key


class ByRows:
    """SQLite: a prepared statement for each row, all in one transaction."""

    batch = 10_000

    def __init__(self, model: type[LineItem], connection: BaseDatabaseWrapper) -> None:
        fields: Any = model._meta
        self.table = fields.db_table
        self.connection = connection
        self.fields = fields
        columns = ", ".join(quoted(name, connection.vendor) for name in _COLUMNS)
        self.into = f"INSERT INTO {self.table} ({columns})"
        self.amount = fields.get_field("amount")

    def insert(self, uses: Sequence[Use]) -> int:
        """Store those whose key is new; return how many."""
        sql = f"{self.into} VALUES {_ROW}{ON_KNOWN_KEY}"
        with self.connection.cursor() as cursor:
            cursor.executemany(sql, [self.values(use) for use in uses])
            return int(cursor.rowcount)

    def stored(self, uses: Sequence[Use]) -> dict[Identity, First]:
        """What the keys of these were recorded as."""
        found: dict[Identity, First] = {}
        key = quoted("key", self.connection.vendor)
        with self.connection.cursor() as cursor:
            for at in range(0, len(uses), _PAIRS):
                part = uses[at : at + _PAIRS]
                which = " OR ".join([f"user_id = %s AND {key} = %s"] * len(part))
                cursor.execute(
                    f"SELECT user_id, {key}, amount, currency FROM {self.table} WHERE {which}",  # noqa: S608
                    [value for use in part for value in (use.user, use.key)],
                )
                found.update(map(self._read, cursor.fetchall()))
        return found

    def values(self, use: Use) -> list[Any]:
        """What the columns hold, as this database takes it."""
        exact, connection = self.amount.get_db_prep_value, self.connection
        values: list[Any] = list(use[:-1])
        values[3] = exact(use.amount, connection)
        if use.quantity is not None:
            values[5], values[7] = (
                exact(use.quantity, connection),
                exact(use.unit_price, connection),
            )
        return values

    def _read(self, row: tuple[Any, str, Any, str]) -> tuple[Identity, First]:
        user, key, amount, currency = row
        return (str(user), key), (
            self.amount.from_db_value(amount, None, self.connection),
            currency,
        )


class ByStatements(ByRows):  # runs on MariaDB only
    """MariaDB and MySQL: one INSERT for all, which either stores all or none of them."""

    # All values come in one packet.
    batch = 1_000

    def insert(self, uses: Sequence[Use]) -> int:
        """Store all; if some are known, look which, and store the others."""
        if self._all_are_new(uses):
            return len(uses)
        known = self.stored(uses)
        first: dict[Identity, Use] = {}
        for use in uses:
            if identity(use) not in known:
                first.setdefault(identity(use), use)
        # In one order, whoever records them: in two, they would wait for each other.
        fresh = [first[each] for each in sorted(first)]
        if not fresh or self._all_are_new(fresh):
            return len(fresh)
        # Others record the same keys just now; one by one, it does not matter who comes first.
        return sum(self._is_new(use) for use in fresh)

    def _all_are_new(self, uses: Sequence[Use]) -> bool:
        """Store all and return true; where a key is known, store none and return false."""
        rows = ", ".join([_ROW] * len(uses))
        values = [value for use in uses for value in self.values(use)]
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(f"{self.into} VALUES {rows}", values)
        except IntegrityError as error:
            if not _is_known_key(error):
                raise
            return False
        return True

    def _is_new(self, use: Use) -> bool:
        """Store one, unless its key is known."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"{self.into} VALUES {_ROW}{ON_DUPLICATE_KEY}", self.values(use))
            return bool(cursor.lastrowid)


class ByArrays(ByRows):  # runs on PostgreSQL only
    """PostgreSQL: a column is one parameter, whatever the number of rows."""

    def insert(self, uses: Sequence[Use]) -> int:
        """Store those whose key is new; return how many."""
        # Without the number, which comes last.
        values = dict(zip(_COLUMNS, zip(*uses, strict=True), strict=False))
        # What all rows say alike is said once: most uses have one moment, and no quantity.
        alike = {
            name: column[0]
            for name, column in values.items()
            if name != "key" and column.count(column[0]) == len(uses)
        }
        others = [name for name in _COLUMNS if name not in alike]
        chosen = [f"%s::{self._type(name)}" if name in alike else name for name in _COLUMNS]
        sql = (
            f"{self.into} SELECT {', '.join(chosen)}"  # noqa: S608
            f" FROM unnest({self._arrays(others)}) AS u ({', '.join(others)}){ON_KNOWN_KEY}"
        )
        params = [*alike.values(), *(array(values[name]) for name in others)]
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return int(cursor.rowcount)

    def stored(self, uses: Sequence[Use]) -> dict[Identity, First]:
        """What the keys of these were recorded as."""
        asked = [[use.user for use in uses], [use.key for use in uses]]
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"SELECT i.user_id, i.key, i.amount, i.currency FROM {self.table} i"  # noqa: S608
                f" JOIN unnest({self._arrays(('user_id', 'key'))}) AS u (user_id, key)"
                " ON i.user_id = u.user_id AND i.key = u.key",
                [array(column) for column in asked],
            )
            return dict(map(self._read, cursor.fetchall()))

    def _arrays(self, names: Iterable[str]) -> str:
        return ", ".join(f"%s::{self._type(name)}[]" for name in names)

    def _type(self, name: str) -> str:
        # Without its length, so that nothing is cut or rounded on the way.
        kind: str = self.fields.get_field(name).db_type(self.connection)
        return kind.partition("(")[0]


def array(values: Sequence[Any]) -> str:  # runs on PostgreSQL only
    """An array as PostgreSQL reads it: psycopg would ask each value how it is written."""
    if None in values:
        return f"{{{','.join('NULL' if value is None else str(value) for value in values)}}}"
    # No text has a NUL.
    text = "\0".join(map(str, values)).replace("\\", "\\\\").replace('"', '\\"')
    quoted_values = text.replace("\0", '","')
    return f'{{"{quoted_values}"}}'


def _is_known_key(error: IntegrityError) -> bool:  # runs on MariaDB only
    # The index stands at the end; before it stands the key, in which others write what they like.
    number, text = (*error.args, "", "")[:2]
    return number == _DUPLICATE and ONCE in str(text).rpartition(" for key ")[2]


SQL: Mapping[str, Callable[[type[LineItem], BaseDatabaseWrapper], ByRows]] = {
    "postgresql": ByArrays,
    "sqlite": ByRows,
    "mysql": ByStatements,
}
