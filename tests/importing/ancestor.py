"""The tables of django-user-payments, made by its own migration and filled by hand."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.state import ProjectState

CHARGED_AT = dt.datetime(2021, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
#: The key of a user who does not exist.
NO_USER = 4_000_000
MADE_AT = CHARGED_AT - dt.timedelta(days=1)


class Ancestor:
    """What its admin, its code and its races leave behind."""

    def __init__(self, models: Any) -> None:
        self.payments = models.get_model("user_payments", "Payment").objects
        self.items = models.get_model("user_payments", "LineItem").objects

    def item(self, user: User | int, amount: str, title: str = "Use", **fields: Any) -> Any:
        """A line item, unbound unless it is given a payment."""
        user_id = user if isinstance(user, int) else user.pk
        fields = {"created_at": MADE_AT, **fields}
        return self.items.create(user_id=user_id, title=title, amount=Decimal(amount), **fields)

    def pending(self, user: User | int, amount: str, *items: str, **fields: Any) -> Any:
        """A pending payment of this amount, with line items of those."""
        user_id = user if isinstance(user, int) else user.pk
        email = fields.pop("email", f"{user_id}@example.com")
        fields = {"created_at": MADE_AT, "email": email, **fields}
        payment = self.payments.create(user_id=user_id, amount=Decimal(amount), **fields)
        for each in items:
            self.item(user, each, payment=payment)
        return payment

    def charged(self, user: User | int, amount: str, *items: str, **fields: Any) -> Any:
        """A charged payment of this amount, with line items of those."""
        fields = {"payment_service_provider": "stripe", "charged_at": CHARGED_AT, **fields}
        return self.pending(user, amount, *items, **fields)

    def clear(self) -> None:
        """Delete everything."""
        self.items.all().delete()
        self.payments.all().delete()


@contextmanager
def installed() -> Iterator[Ancestor]:
    """Make the tables, and drop them at the end."""
    module = importlib.import_module("user_payments.migrations.0001_initial")
    migration = module.Migration("0001_initial", "user_payments")
    before = ProjectState.from_apps(apps)
    with connection.schema_editor() as editor:
        state = migration.apply(before.clone(), editor)
    try:
        yield Ancestor(state.apps)
    finally:
        with connection.schema_editor() as editor:
            migration.unapply(before.clone(), editor)


@contextmanager
def unchecked() -> Iterator[None]:
    """Rows that point nowhere, as tables without foreign keys have them."""
    # MySQL and MariaDB look at once; the others when the test would commit, and it cleans up.
    with connection.constraint_checks_disabled():
        yield
