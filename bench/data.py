"""Users who owe: the same line items in the kit's table and in the ancestor's."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import count, islice
from typing import Any

import user_payments.models as ancestor
from django.contrib.auth.models import User
from django.db import models

from payments_ui.core.models import LineItem

# More titles than a page of the widget shows.
_TITLES = [f"Frame {frame} of scene {frame % 7}, rendered" for frame in range(30)]
_BATCH = 5_000
_numbers = count(1)


def user_with(items: int, model: type[models.Model] = LineItem) -> User:
    """A new user with so many unbound line items."""
    name = f"user-{next(_numbers)}"
    user = User.objects.create_user(name, f"{name}@example.com")
    owe(user, items, model)
    return user


def owe(user: User, items: int, model: type[models.Model] = LineItem) -> None:
    """Add so many unbound line items of this user."""
    rows = (model(user=user, **fields) for fields in _fields(items, model))
    while batch := list(islice(rows, _BATCH)):
        # Not by the kit's manager: what it costs to add them is not measured here.
        stored: models.QuerySet[Any] = models.QuerySet(model)
        stored.bulk_create(batch)


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
