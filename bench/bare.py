"""The least SQL that keeps books: two tables with no rules, and statements sent by a cursor.

An anchor, and no way to take money: nothing here keeps two processes from charging twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import user_payments.models as ancestor
from django.contrib.auth.models import User
from django.db import connection, transaction

from payments_ui.core.models import LineItem

#: How the table calls it.
NAME = "least SQL"
_EXACT = {"sqlite": "integer", "postgresql": "numeric(18, 8)", "mysql": "decimal(18, 8)"}
_KEY = {
    "sqlite": "integer PRIMARY KEY AUTOINCREMENT",
    "postgresql": "bigserial PRIMARY KEY",
    "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
}
_COLUMNS = "user_id, title, amount, currency"

# ruff: noqa: S608 - only our own tables' names go in


def make() -> None:
    """Make the tables."""
    key, exact = (each[connection.vendor] for each in (_KEY, _EXACT))
    execute(
        f"CREATE TABLE bare_lineitem (id {key}, user_id integer NOT NULL,"
        f" title varchar(200) NOT NULL, amount {exact} NOT NULL, currency char(3) NOT NULL,"
        " use_key varchar(200), payment_id char(32), UNIQUE (user_id, use_key))"
    )
    execute("CREATE INDEX bare_unbound ON bare_lineitem (payment_id, user_id)")
    execute(
        "CREATE TABLE bare_payment (id char(32) PRIMARY KEY, user_id integer NOT NULL,"
        f" amount {exact} NOT NULL, currency char(3) NOT NULL, charged_at varchar(32))"
    )


def copy(user: User) -> None:
    """Let a user owe here what they owe in the kit's table."""
    execute(
        f"INSERT INTO bare_lineitem ({_COLUMNS}) SELECT {_COLUMNS} FROM {LineItem._meta.db_table}"
        " WHERE user_id = %s AND payment_id IS NULL",
        [user.pk],
    )


def record(user: User, key: str | None) -> None:
    """Add a use, unless there is one with this key."""
    fields = f"INTO bare_lineitem ({_COLUMNS}, use_key) VALUES (%s, %s, %s, %s, %s)"
    params = [user.pk, "Frame, rendered", amount(5), "CHF", key]
    if connection.vendor == "mysql":
        execute(f"INSERT IGNORE {fields}", params)
    else:
        execute(f"INSERT {fields} ON CONFLICT DO NOTHING", params)


def record_many(user: User, keys: Sequence[str]) -> None:
    """Add uses that are new: the fastest way that each database has."""
    columns = f"{_COLUMNS}, use_key"
    rows = [(user.pk, "Frame, rendered", amount(5), "CHF", key) for key in keys]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY bare_lineitem ({columns}) FROM STDIN") as copied:
                for row in rows:
                    copied.write_row(row)
        else:
            cursor.executemany(
                f"INSERT INTO bare_lineitem ({columns}) VALUES (%s, %s, %s, %s, %s)", rows
            )


def move_in() -> None:
    """Copy all line items of the ancestor."""
    units = " * 100000000" if connection.vendor == "sqlite" else ""
    execute(
        "INSERT INTO bare_lineitem (user_id, title, amount, currency, payment_id)"
        f" SELECT user_id, title, amount{units}, 'CHF',"
        " REPLACE(CAST(payment_id AS char(36)), '-', '')"
        f" FROM {ancestor.LineItem._meta.db_table}"
    )


def create_pending(user: User) -> str:
    """Bind what is unbound to a new payment of its sum; return the payment's id."""
    payment = uuid.uuid4().hex
    bind = "UPDATE bare_lineitem SET payment_id = %s WHERE payment_id IS NULL AND user_id = %s"
    insert = (
        "INSERT INTO bare_payment (id, user_id, amount, currency)"
        " SELECT %s, %s, SUM(amount), 'CHF' FROM"
    )
    params = [payment, user.pk, payment, user.pk]
    if connection.vendor == "postgresql":
        execute(f"WITH bound AS ({bind} RETURNING amount) {insert} bound", params)
        return payment
    with transaction.atomic():
        execute(bind, params[:2])
        execute(f"{insert} bare_lineitem WHERE payment_id = %s", [payment, user.pk, payment])
    return payment


def lock(payment: str) -> None:
    """Lock a payment, and read it."""
    if connection.vendor == "sqlite":
        execute("UPDATE bare_payment SET id = id WHERE id = %s RETURNING *", [payment])
    else:
        execute("SELECT * FROM bare_payment WHERE id = %s FOR UPDATE", [payment])


def settle(payment: str) -> None:
    """Charge a payment, once."""
    execute(
        "UPDATE bare_payment SET charged_at = '2027-01-01' WHERE id = %s AND charged_at IS NULL",
        [payment],
    )


def cancel(payment: str) -> None:
    """Give a payment up, and its line items back."""
    with transaction.atomic():
        execute("DELETE FROM bare_payment WHERE id = %s AND charged_at IS NULL", [payment])
        execute("UPDATE bare_lineitem SET payment_id = NULL WHERE payment_id = %s", [payment])


def amount(cents: int) -> Any:
    """An amount as the tables hold it."""
    return cents * 10**6 if connection.vendor == "sqlite" else cents / 100


def execute(sql: str, params: Sequence[Any] = ()) -> list[Any]:
    """Send a statement; return the rows that come back."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []
