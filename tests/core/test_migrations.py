"""What migrations do to books that were kept before them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from payments_ui.core import triggers
from payments_ui.core.models import SuspenseItem

pytestmark = pytest.mark.django_db(transaction=True)


def books_at(migration: str) -> Any:
    """Return the models as they were after this migration, with the database taken there."""
    target = [("payments_core", migration)]
    MigrationExecutor(connection).migrate(target)
    return MigrationExecutor(connection).loader.project_state(target).apps


@pytest.fixture
def first_books() -> Iterator[Any]:
    """Return the models of the first version; afterwards the database is today's."""
    triggers.remove(connection)
    yield books_at("0001_initial")
    call_command("migrate", "payments_core", verbosity=0)


def set_aside(books: Any) -> None:
    """Let one surplus and one unmatched transfer have arrived."""
    user = books.get_model("auth", "User").objects.create(username="ada")
    payment = books.get_model("payments_core", "Payment").objects.create(
        user=user, amount=5, currency="CHF"
    )
    books.get_model("payments_core", "Attempt").objects.create(
        payment=payment,
        moocher="cards",
        amount=0,
        currency="CHF",
        state="surplus",
        idempotency_key="k",
        received_amount=7,
        received_currency="CHF",
        ended_at=payment.created_at,
    )
    events = books.get_model("payments_core", "Event").objects
    events.create(moocher="bank", event_id="1", state="unmatched", amount=3, currency="CHF")
    events.create(moocher="cards", event_id="2", state="unmatched")


def test_money_that_was_set_aside_before_there_was_a_list_is_on_it(first_books: Any) -> None:
    set_aside(first_books)
    call_command("migrate", "payments_core", verbosity=0)
    listed = SuspenseItem.objects.order_by("amount").values_list("kind", "amount", "state")
    assert list(listed) == [
        ("unmatched", Decimal(3), "open"),
        ("surplus", Decimal(7), "open"),
    ]
    assert not SuspenseItem.objects.filter(told_at=None).exists(), "admins were told back then"
    assert triggers.installed(connection) == triggers.expected(connection)
