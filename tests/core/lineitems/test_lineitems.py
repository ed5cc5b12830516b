"""Line items: recorded exactly or not at all, frozen once they belong to a payment."""
# A state equals its text, and a Decimal an int.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.deletion import ProtectedError

from payments_ui.core import journal
from payments_ui.core.models import JournalEntry, LineItem, Payment
from payments_ui.exceptions import (
    InvalidAmountError,
    InvalidCurrencyError,
    InvalidTitleError,
    LineItemBoundError,
    LineItemError,
)
from tests.core.support import journalled, pending, record, stored

pytestmark = pytest.mark.django_db
Verb = JournalEntry.Verb


def test_recording_a_use_stores_one_exact_unbound_item(user: User) -> None:
    item = LineItem.objects.record(user=user, title=" Render ", amount="0.0004")
    item.refresh_from_db()
    assert (item.title, item.amount, item.currency) == ("Render", Decimal("0.0004"), "CHF")
    assert item.payment is None
    assert str(item) == "Render"
    assert list(user.user_lineitems.unbound()) == [item]


def test_the_default_currency_is_read_when_it_is_needed(user: User, settings: Any) -> None:
    settings.PAYMENTS_UI = {"CURRENCY": "EUR"}
    assert record(user, "1")[0].currency == "EUR"


@pytest.mark.parametrize(
    "amount",
    [
        *(0.1, 1.0, True, float("nan"), float("inf"), "NaN", "-Infinity", Decimal("sNaN"), ""),
        *("1,5", None, b"1", "10000000000", "0.000000001", "1e11", Decimal("1.123456789")),
    ],
)
def test_an_amount_that_is_not_exact_is_refused_and_nothing_is_stored(
    user: User, amount: Any
) -> None:
    with pytest.raises(InvalidAmountError):
        LineItem.objects.record(user=user, title="Use", amount=amount)
    with pytest.raises(InvalidAmountError):
        LineItem.objects.create(user=user, title="Use", amount=amount)
    assert not LineItem.objects.exists()


@pytest.mark.parametrize("amount", ["9999999999.99999999", "-9999999999.99999999", "0E-20", 7])
def test_amounts_within_the_digits_are_stored_as_they_are(user: User, amount: Any) -> None:
    item = LineItem.objects.record(user=user, title="Use", amount=amount)
    item.refresh_from_db()
    assert item.amount == Decimal(amount)


@pytest.mark.parametrize("currency", ["XXQ", "chf", "CH", "CLF", "CHFX", 3, ["CHF"]])
def test_an_unknown_currency_is_refused_and_nothing_is_stored(user: User, currency: Any) -> None:
    with pytest.raises(InvalidCurrencyError):
        LineItem.objects.record(user=user, title="Use", amount=1, currency=currency)
    assert not LineItem.objects.exists()


@pytest.mark.parametrize("title", ["", "  \n", "x" * 201])
def test_an_empty_or_endless_title_is_refused_and_nothing_is_stored(user: User, title: str) -> None:
    with pytest.raises(InvalidTitleError):
        LineItem.objects.record(user=user, title=title, amount=1)
    assert not LineItem.objects.exists()


@pytest.mark.parametrize("key", ["", " ", "k" * 201])
def test_a_key_has_to_name_something(user: User, key: str) -> None:
    with pytest.raises(LineItemError):
        LineItem.objects.record(user=user, title="Use", amount=1, key=key)
    assert not LineItem.objects.exists()


def test_a_number_given_by_hand_overwrites_nothing(user: User) -> None:
    item = record(user, "1")[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        LineItem(pk=item.pk, user=user, title="Use", amount=2).save()


def _save(item: LineItem) -> None:
    item.amount = Decimal(9)
    item.save()


def _save_as_new(item: LineItem) -> None:
    LineItem(pk=item.pk, user=item.user, title="Mine", amount=9).save()


def _move(item: LineItem) -> None:
    LineItem.objects.filter(pk=item.pk).update(payment=None)


def _bulk_update(item: LineItem) -> None:
    item.payment, item.title = None, "Cheap"
    LineItem.objects.bulk_update([item], ["title"])


def _overwrite(item: LineItem) -> None:
    item.payment = None
    LineItem.objects.bulk_create(
        [item], update_conflicts=True, update_fields=["amount"], unique_fields=["user", "key"]
    )


WAYS_TO_CHANGE: list[Callable[[Any], Any]] = [
    _save,
    _save_as_new,
    _move,
    _bulk_update,
    _overwrite,
    LineItem.delete,
    lambda item: LineItem.objects.filter(pk=item.pk).update(amount=1),
    lambda item: LineItem.objects.filter(pk=item.pk).update(key=None),
    lambda item: LineItem.objects.filter(pk=item.pk).update(created_at=F("created_at")),
    lambda item: LineItem.objects.filter(pk=item.pk).delete(),
    lambda item: LineItem.objects.all().delete(),
    lambda item: item.payment.lineitems.remove(item),
    lambda item: item.payment.lineitems.clear(),
    lambda item: item.payment.lineitems.all().update(title="Other"),
    lambda item: item.user.user_lineitems.update_or_create(pk=item.pk, defaults={"title": "Other"}),
]


@pytest.mark.parametrize("change", WAYS_TO_CHANGE)
def test_a_bound_item_is_neither_edited_moved_nor_deleted(
    user: User, change: Callable[[LineItem], Any]
) -> None:
    payment = pending(user, "5")
    record(user, "1")
    item = payment.lineitems.get()
    with pytest.raises((LineItemBoundError, IntegrityError)), transaction.atomic():
        change(item)
    kept = payment.lineitems.get()
    assert (kept.title, kept.amount, kept.payment) == ("Use 0", 5, payment)
    assert LineItem.objects.count() == 2


def test_a_stale_copy_of_an_item_that_was_bound_meanwhile_changes_nothing(user: User) -> None:
    (stale,) = record(user, "5")
    payment = pending(user)
    for change in (stale.save, stale.delete):
        with pytest.raises(LineItemBoundError):
            change()
    assert payment.lineitems.get().amount == payment.amount


WAYS_TO_BIND: list[Callable[[Payment, LineItem], Any]] = [
    lambda payment, item: LineItem.objects.filter(pk=item.pk).update(payment=payment),
    lambda payment, item: LineItem.objects.filter(pk=item.pk).update(payment_id=payment.pk),
    lambda payment, item: payment.lineitems.add(item),
    lambda payment, item: payment.lineitems.add(item, bulk=False),
    lambda payment, item: payment.lineitems.set([item]),
    lambda payment, item: payment.lineitems.create(user=item.user, title="Gift", amount=1),
    lambda payment, item: LineItem.objects.bulk_create(
        [LineItem(user=item.user, title="Gift", amount=1, payment=payment)]
    ),
    lambda payment, item: LineItem.objects.create(
        user=item.user, title="Gift", amount=1, payment=payment
    ),
]


@pytest.mark.parametrize("bind", WAYS_TO_BIND)
def test_nothing_is_bound_to_a_sealed_payment(
    user: User, bind: Callable[[Payment, LineItem], Any]
) -> None:
    payment = pending(user, "5")
    (item,) = record(user, "1")
    with pytest.raises(LineItemBoundError), transaction.atomic():
        bind(payment, item)
    assert payment.lineitems.count() == 1
    assert LineItem.objects.unbound().get() == item


def test_an_unbound_item_can_be_corrected_and_the_journal_tells_from_what(user: User) -> None:
    (item,) = record(user, "5")
    item.amount = Decimal("6.5")
    with journal.acting("user:1", "typing error"):
        item.save()
    entry = JournalEntry.objects.get()
    assert (entry.verb, entry.total, entry.lineitem_id) == (
        Verb.LINEITEM_CHANGED,
        Decimal("6.5"),
        item.pk,
    )
    assert entry.detail == {"before": {"amount": "5.00", "currency": "CHF"}}
    assert (entry.actor, entry.reason) == ("user:1", "typing error")


def test_unbound_items_can_be_changed_and_deleted_in_bulk_and_each_is_journalled(
    user: User,
) -> None:
    items = record(user, "1", "2", "3")
    assert LineItem.objects.filter(amount__gt=1).update(amount="2.5") == 2
    assert journalled(Verb.LINEITEM_CHANGED) == 2
    items[0].title = "Other"
    assert LineItem.objects.bulk_update(items[:1], ["title"]) == 1
    assert LineItem.objects.unbound().delete() == (3, {"payments_core.LineItem": 3})
    assert journalled(Verb.LINEITEM_DELETED) == 3
    assert not LineItem.objects.exists()


def test_an_unbound_item_can_be_deleted_and_the_journal_keeps_its_amount(user: User) -> None:
    (item,) = record(user, "5")
    item.delete()
    entry = JournalEntry.objects.get()
    assert (entry.verb, entry.total, entry.user) == (Verb.LINEITEM_DELETED, 5, user)


def test_bulk_changes_are_checked_like_single_ones(user: User) -> None:
    items = record(user, "1")
    for wrong in ({"amount": 0.1}, {"currency": "XXQ"}, {"title": " "}):
        with pytest.raises(LineItemError):
            LineItem.objects.update(**wrong)
    items[0].amount = Decimal("NaN")
    with pytest.raises(InvalidAmountError):
        LineItem.objects.bulk_update(items, ["amount"])
    with pytest.raises(InvalidAmountError):
        LineItem.objects.bulk_create([LineItem(user=user, title="Use", amount=0.1)])
    made = LineItem.objects.bulk_create([LineItem(user=user, title="Use", amount=2)])
    assert [item.currency for item in made] == ["CHF"]
    assert journalled(Verb.LINEITEM_CHANGED) == 0


def test_unpaid_items_are_those_without_payment_or_with_one_that_is_not_charged(
    user: User,
) -> None:
    payment = pending(user, "5")
    record(user, "1")
    assert LineItem.objects.unpaid().count() == 2
    assert LineItem.objects.unbound().count() == 1
    payment.charged_at = payment.created_at
    payment.save()
    assert LineItem.objects.unpaid().count() == 1
    assert stored(payment).charged_at is not None


def test_a_user_with_line_items_cannot_be_deleted(user: User) -> None:
    record(user, "1")
    with pytest.raises(ProtectedError):
        user.delete()
