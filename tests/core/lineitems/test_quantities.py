"""An amount that a customer can check: quantity, unit, unit price and the date of use."""

# A Decimal equals an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils import timezone

from payments_ui import money
from payments_ui.core.db.constraint_errors import typed_refusals
from payments_ui.core.models import JournalEntry, LineItem, Payment
from payments_ui.exceptions import InvalidAmountError, LineItemBoundError, QuantityError
from tests.core.support import bare

pytestmark = pytest.mark.django_db
TILES: dict[str, Any] = {"title": "Tiles", "unit": "tiles", "unit_price": "0.0004"}


def tiles(user: User, quantity: str = "3264", **fields: Any) -> LineItem:
    LineItem.objects.record(user=user, quantity=quantity, **{**TILES, **fields})
    item: LineItem = LineItem.objects.latest("pk")
    return item


def test_the_amount_is_the_product(user: User) -> None:
    item = tiles(user)
    assert (item.amount, item.quantity, item.unit) == (Decimal("1.3056"), 3264, "tiles")
    assert item.unit_price == Decimal("0.0004")
    assert tiles(user, amount="1.3056").amount == item.amount
    assert tiles(user, "-3264").amount == -item.amount


def test_nothing_is_asked_of_an_amount_alone(user: User) -> None:
    before = timezone.now()
    item = LineItem.objects.record(user=user, title="Use", amount="5")
    assert (item.quantity, item.unit, item.unit_price) == (None, "", None)
    assert before <= item.used_at <= timezone.now()


def test_the_date_of_use_is_when_it_was_used(user: User) -> None:
    may = dt.datetime(2026, 5, 12, 9, 30, tzinfo=dt.UTC)
    assert tiles(user, used_at=may).used_at == may


@pytest.mark.parametrize(
    ("quantity", "unit_price", "amount"),
    [
        ("3", "0.33333333", "0.99999999"),
        ("0.5", "0.00000001", "0"),
        ("1.5", "0.00000001", "0.00000002"),
        ("0.00000001", "0.00000001", "0"),
        ("9999999999.99999999", "1", "9999999999.99999999"),
    ],
)
def test_the_product_is_rounded_to_eight_decimals(
    user: User, quantity: str, unit_price: str, amount: str
) -> None:
    item = tiles(user, quantity, unit_price=unit_price)
    assert item.amount == Decimal(amount)
    item.full_clean()


@pytest.mark.parametrize(
    "wrong",
    [
        *({"amount": "1.3057"}, {"amount": "-1.3056"}, {"amount": 0}),
        *({"amount": 1, "quantity": None}, {"amount": 1, "unit_price": None}),
        {"amount": 1, "quantity": None, "unit_price": None},
        *({"unit": "t" * 41}, {"amount": "1.3056", "quantity": F("amount")}),
    ],
)
def test_what_does_not_add_up_is_refused(user: User, wrong: dict[str, Any]) -> None:
    with pytest.raises(QuantityError):
        LineItem.objects.record(user=user, **{**TILES, "quantity": "3264", **wrong})
    fields = {**TILES, "quantity": "3264", "amount": "1.3056", **wrong}
    item = LineItem(user=user, currency="CHF", **fields)
    with pytest.raises(QuantityError):
        LineItem.objects.bulk_create([item])
    assert not LineItem.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        *({"quantity": 1.5}, {"quantity": "NaN"}, {"unit_price": "many"}, {"quantity": ""}),
        *({"unit_price": "0.000000001"}, {"quantity": "99999999999"}),
        *({"quantity": "9999999999", "unit_price": "2"}, {"quantity": None, "unit": ""}),
    ],
)
def test_what_is_no_number_is_refused(user: User, wrong: dict[str, Any]) -> None:
    with pytest.raises((InvalidAmountError, QuantityError)):
        LineItem.objects.record(user=user, **{**TILES, "quantity": "3264", **wrong})
    assert not LineItem.objects.exists()


def test_a_form_says_what_does_not_add_up(user: User) -> None:
    item = LineItem(user=user, amount=1, currency="CHF", quantity=3, **TILES)
    with pytest.raises(ValidationError, match="quantity times the unit price"):
        item.full_clean()


def test_saving_keeps_amount_and_product_together(user: User) -> None:
    item = tiles(user)
    item.quantity = 100
    with pytest.raises(QuantityError):
        item.save()
    item.amount = Decimal("0.04")
    with pytest.raises(QuantityError):
        item.save(update_fields=["amount"])
    assert LineItem.objects.get().amount == Decimal("1.3056")
    item.save()
    assert LineItem.objects.get().quantity == 100
    before = JournalEntry.objects.get().detail["before"]
    assert Decimal(before["quantity"]) * Decimal(before["unit_price"]) == Decimal(before["amount"])


@pytest.mark.parametrize(
    "values",
    [{"amount": 1}, {"quantity": 1}, {"unit_price": 0}, {"amount": F("amount") * 2}],
)
def test_no_bulk_update_parts_amount_and_product(user: User, values: dict[str, Any]) -> None:
    tiles(user)
    LineItem.objects.record(user=user, title="Use", amount="5")
    with pytest.raises(QuantityError):
        LineItem.objects.update(**values)
    assert set(LineItem.objects.values_list("amount", flat=True)) == {5, Decimal("1.3056")}


def test_a_bulk_update_of_all_of_it_is_fine(user: User) -> None:
    item = tiles(user)
    changed = LineItem.objects.update(quantity=F("quantity") * 2, amount=F("amount") * 2)
    assert (changed, LineItem.objects.get().amount) == (1, Decimal("2.6112"))
    item.amount, item.quantity = Decimal("0.0004"), Decimal(1)
    LineItem.objects.bulk_update([item], ["amount", "quantity"])
    assert LineItem.objects.get().quantity == 1
    item.amount, item.quantity = Decimal("0.0008"), Decimal(2)
    with pytest.raises(QuantityError):
        LineItem.objects.bulk_update([item], ["amount"])


def test_the_product_is_exact() -> None:
    assert money.product(Decimal("123456789.12345678"), Decimal("2.00000001")) == Decimal(
        "246913579.48148145"
    )


@pytest.mark.parametrize(
    "values",
    [
        *({"quantity": 1}, {"quantity": None}, {"unit": "sheets"}, {"unit_price": 1}),
        {"used_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)},
    ],
)
def test_the_database_keeps_what_a_bound_item_says(user: User, values: dict[str, Any]) -> None:
    tiles(user, "50000")
    Payment.objects.create_pending(user=user)
    with pytest.raises(LineItemBoundError), typed_refusals():
        bare(LineItem).update(**values)
