"""Users who owe: the same line items in the kit's table and in the ancestor's."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import user_payments.models as ancestor
from django.contrib.auth.models import User
from django.db import connection, models

from payments_ui.core.models import LineItem

# More titles than a page of the widget shows.
_TITLES = [f"Frame {frame} of scene {frame % 7}, rendered" for frame in range(30)]
_WRITTEN = 1_000
_numbers = count(1)


def user_with(items: int, model: type[models.Model] = LineItem) -> User:
    """A new user with so many unbound line items."""
    name = f"user-{next(_numbers)}"
    user = User.objects.create_user(name, f"{name}@example.com")
    owe(user, items, model)
    return user


def owe(user: User, items: int, model: type[models.Model] = LineItem) -> None:
    """Add so many unbound line items of this user: some written, and copied until it is enough."""
    rows = [model(user=user, **fields) for fields in _fields(min(items, _WRITTEN), model)]
    # Not by the kit's manager: what it costs to add them is not measured here.
    stored: models.QuerySet[Any] = models.QuerySet(model)
    stored.bulk_create(rows)
    table, columns = model._meta.db_table, ", ".join(_columns(model))
    left = items - len(rows)
    with connection.cursor() as cursor:
        while left > 0:
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}"  # noqa: S608
                " WHERE user_id = %s AND payment_id IS NULL LIMIT %s",
                [user.pk, left],
            )
            left -= cursor.rowcount


def _columns(model: type[models.Model]) -> Iterator[str]:
    for field in model._meta.concrete_fields:
        if not field.primary_key and not field.generated:
            yield connection.ops.quote_name(str(field.column))


def _fields(items: int, model: type[models.Model]) -> Iterator[dict[str, object]]:
    own = {} if model is ancestor.LineItem else {"currency": "CHF"}
    for number in range(items):
        title = _TITLES[number % len(_TITLES)]
        yield {"title": title, "amount": Decimal(number % 97 + 5) / 100, **own}


def crowd(users: int) -> None:
    """Somebody else's line items, 500 each, which every statement has to pass by."""
    for _ in range(users):
        for model in (LineItem, ancestor.LineItem):
            user_with(500, model)
