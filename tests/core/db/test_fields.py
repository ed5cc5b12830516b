"""What columns of amounts give back, whatever was stored in them by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from payments_ui.core.models import JournalEntry, LineItem, Payment
from payments_ui.exceptions import InvalidAmountError

FIELDS: list[Any] = [Payment._meta.get_field("amount"), LineItem._meta.get_field("quantity")]


@pytest.mark.parametrize("stored", ["twelve", "1,5", ""])
def test_a_text_that_was_stored_as_an_amount_is_an_error(stored: str) -> None:
    with pytest.raises(InvalidAmountError, match="is stored as an amount"):
        FIELDS[0].from_db_value(stored, None, connection)


@pytest.mark.parametrize("stored", ["NaN", "Infinity"])
def test_what_is_no_number_is_given_back_as_it_is(stored: str) -> None:
    assert str(FIELDS[0].from_db_value(stored, None, connection)) == stored


def test_an_amount_reads_with_two_decimals_at_least() -> None:
    read = [str(FIELDS[0].from_db_value(stored, None, connection)) for stored in ("5.000", "1.125")]
    assert read == ["5.00", "1.125"]
    assert FIELDS[0].from_db_value(None, None, connection) is None
    assert FIELDS[0].from_db_value(Decimal(12), None, connection) == 12


@pytest.mark.django_db
def test_many_rows_are_one_parameter_a_column_and_stay_exact(user: User) -> None:
    most = Decimal("9999999999.99999999")
    amounts = [most, -most, Decimal("0.00000001"), Decimal(7)]
    facts: dict[str, Any] = {"user": user, "title": "Use", "unit_price": Decimal(1)}
    items = [LineItem(amount=amount, quantity=amount, **facts) for amount in amounts]
    items.append(LineItem(user=user, title="Use", amount=Decimal("0.5")))
    with CaptureQueriesContext(connection) as captured:
        LineItem.objects.bulk_create(items)
    if connection.vendor == "postgresql":
        (insert,) = (one["sql"] for one in captured if one["sql"].startswith("INSERT"))
        assert "UNNEST" in insert
    rows = LineItem.objects.order_by("pk").values_list("amount", "quantity")
    assert list(rows) == [*zip(amounts, amounts, strict=True), (Decimal("0.5"), None)]
    total = LineItem.objects.aggregate(total=Sum("amount"))["total"]
    assert total == Decimal("7.50000001")
    assert LineItem.objects.filter(amount__in=[most, "0.5"]).count() == 2
    assert LineItem.objects.filter(amount__gt=Decimal("9999999999.99999998")).get().amount == most


@pytest.mark.django_db(databases="__all__")
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("model", "most"), [(JournalEntry, "92233720368.54775807"), (LineItem, "9999999999.99999999")]
)
def test_what_does_not_fit_is_an_error_of_ours(model: Any, most: str, sign: int) -> None:
    field = model._meta.get_field("total" if model is JournalEntry else "amount")
    assert field.get_db_prep_save(sign * Decimal(most), connection) is not None
    beyond = sign * (Decimal(most) + Decimal("0.00000001"))
    if connection.vendor != "sqlite" and model is JournalEntry:
        beyond = sign * Decimal(10) ** 16
    with pytest.raises(InvalidAmountError, match="does not fit"):
        field.get_db_prep_save(beyond, connection)
