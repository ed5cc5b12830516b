"""What the ancestor's races and its admin left behind is put right or left out, and output."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection

from payments_ui.core.models import Attempt, LineItem, Payment
from tests.conftest import UserFactory
from tests.importing.ancestor import NO_USER, Ancestor, unchecked
from tests.importing.conftest import Import
from tests.importing.test_import import counted

# MariaDB commits when it is told where to go on counting.
pytestmark = pytest.mark.django_db(transaction=connection.vendor == "mysql")


def owed(user: User) -> Decimal:
    """Return what the user's next payment would be."""
    payment = Payment.objects.create_pending(user=user)
    return payment.amount if payment else Decimal(0)


def test_a_charged_payment_gets_a_line_item_for_the_difference(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.charged(user, "5.00", "5.00", "7.00")
    output = move_in("--commit")
    payment = Payment.objects.get()
    assert payment.amount == Decimal("5.00")
    added = payment.lineitems.get(amount=-7)
    assert added.title == "Difference found when moving in"
    assert counted(output, "charged payments that differ from the sum of their line items") == 1
    assert f"{payment.pk} by -7.00" in output


def test_a_charged_payment_without_line_items_gets_one(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.charged(user, "5.00")
    output = move_in("--commit")
    assert Payment.objects.get().lineitems.get().amount == 5
    assert counted(output, "charged payments without line items, maybe paid twice") == 1


@pytest.mark.parametrize("items", [(), ("-3.00",), ("-2.00",)], ids=len)
def test_no_charge_is_less_than_zero(
    user: User, ancestor: Ancestor, move_in: Import, items: tuple[str, ...]
) -> None:
    ancestor.charged(user, "-3.00", *items)
    output = move_in("--commit")
    payment = Payment.objects.get()
    assert (payment.amount, payment.state) == (0, Payment.State.CHARGED)
    assert counted(output, "charged payments of less than zero") == 1
    assert owed(user) == 0


def test_nothing_was_charged_for_nothing(user: User, ancestor: Ancestor, move_in: Import) -> None:
    ancestor.charged(user, "0.00", "2.00", "-2.00")
    move_in("--commit")
    assert Payment.objects.get().state == Payment.State.CHARGED


def test_a_pending_payment_asks_for_the_sum_of_its_line_items(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.pending(user, "5.00", "5.00", "7.00")
    output = move_in("--commit")
    assert Payment.objects.get().amount == 12
    assert counted(output, "pending payments that differ from the sum of their line items") == 1


def test_ghosts_are_not_copied(user: User, ancestor: Ancestor, move_in: Import) -> None:
    ghost = ancestor.pending(user, "5.00")
    output = move_in("--commit")
    assert not Payment.all_objects.exists()
    assert counted(output, "pending payments without line items, CHF\xa05.00") == 1
    assert str(ghost.pk) in output


def test_undone_payments_are_not_copied_and_their_line_items_are_owed(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.pending(user, "5.00", transaction='{"id": "ch_1"}')
    ancestor.item(user, "5.00")
    output = move_in("--commit")
    assert counted(output, "pending payments without line items that a PSP was asked about") == 1
    assert owed(user) == 5


@pytest.mark.parametrize("items", [("-5.00",), ("5.00", "-5.00")], ids=["credit", "zero"])
def test_credits_count_with_the_next_payment(
    user: User, ancestor: Ancestor, move_in: Import, items: tuple[str, ...]
) -> None:
    ancestor.pending(user, str(sum(map(Decimal, items))), *items)
    output = move_in("--commit")
    assert not Payment.all_objects.exists()
    assert counted(output, "pending payments of zero or less") == 1
    assert counted(output, "line items of pending payments of zero or less") == len(items)
    LineItem.objects.record(user=user, title="Use", amount=60)
    assert owed(user) == 60 + sum(map(Decimal, items))


def test_line_items_of_another_user_become_the_payers(
    make_user: UserFactory, ancestor: Ancestor, move_in: Import
) -> None:
    payer, other = make_user(), make_user()
    payment = ancestor.charged(payer, "5.00", "2.00")
    ancestor.item(other, "3.00", payment=payment)
    output = move_in("--commit")
    assert set(Payment.objects.get().lineitems.values_list("user", flat=True)) == {payer.pk}
    assert counted(output, "line items of another user than their payment") == 1
    assert owed(other) == 0


def test_rows_of_users_who_do_not_exist_are_not_copied(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    with unchecked():
        ancestor.charged(NO_USER, "5.00", "5.00")
        ancestor.item(NO_USER, "1.00")
    output = move_in("--commit")
    assert not Payment.all_objects.exists()
    assert not LineItem.objects.exists()
    assert counted(output, "payments of users who do not exist, CHF\xa05.00") == 1
    assert counted(output, "line items of users who do not exist, or of their payments") == 2


def test_line_items_of_payments_that_are_gone_are_not_copied(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    payment = ancestor.pending(user, "5.00", "5.00")
    with unchecked():
        ancestor.payments.filter(pk=payment.pk)._raw_delete(connection.alias)
    output = move_in("--commit")
    assert not LineItem.objects.exists()
    assert counted(output, "line items of payments that do not exist, CHF\xa05.00") == 1


def test_titles(user: User, ancestor: Ancestor, move_in: Import) -> None:
    ancestor.item(user, "1.00", title=" ")
    ancestor.item(user, "2.00", title=" Use ")
    output = move_in("--commit")
    assert LineItem.objects.get(amount=1).title == "Without a title"
    assert LineItem.objects.get(amount=2).title == "Use"
    assert counted(output, "line items without a title") == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="servers keep to the column's length")
def test_texts_that_are_too_long(user: User, ancestor: Ancestor, move_in: Import) -> None:
    ancestor.charged(user, "1.00", email=f"{'x' * 250}@example.com")
    ancestor.item(user, "2.00", title="x" * 201)
    output = move_in("--commit")
    assert LineItem.objects.get(amount=2).title == f"{'x' * 199}…"
    assert Payment.objects.get().email == ""
    assert counted(output, "line items with more than 200 characters of title") == 1
    assert counted(output, "payments without a usable e-mail address") == 1


def test_payments_without_an_address(user: User, ancestor: Ancestor, move_in: Import) -> None:
    ancestor.charged(user, "1.00", "1.00", email="")
    assert counted(move_in("--commit"), "payments without a usable e-mail address") == 1
    assert Payment.objects.get().email == ""


@pytest.mark.parametrize(
    "transaction",
    ["", "<QueryDict: {'PAYID': ['1']}>", "[]", "7", '{"id": 7}', '{"id": ""}', "{"],
)
def test_references_that_are_not_said_plainly_are_left_out(
    user: User, ancestor: Ancestor, move_in: Import, transaction: str
) -> None:
    ancestor.charged(user, "1.00", "1.00", transaction=transaction)
    move_in("--commit")
    assert Attempt.objects.get().psp_reference is None
    assert Payment.objects.get().transaction == transaction


@pytest.mark.parametrize("second", ['{"id": "ch_1"}', '{"id":"ch_1"}'], ids=["same", "spaced"])
def test_a_reference_belongs_to_one_charge_or_to_none(
    make_user: UserFactory, ancestor: Ancestor, move_in: Import, second: str
) -> None:
    for answer in ('{"id": "ch_1"}', second):
        ancestor.charged(make_user(), "1.00", "1.00", transaction=answer)
    assert counted(move_in("--commit"), "charged payments that share a PSP's reference") == 2
    assert set(Attempt.objects.values_list("psp_reference", flat=True)) == {None}


def test_a_reference_that_is_here_already_is_not_given_twice(
    make_user: UserFactory, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.charged(make_user(), "1.00", "1.00", transaction='{"id": "ch_1"}')
    move_in("--commit")
    ancestor.charged(make_user(), "2.00", "2.00", transaction='{"id":"ch_1"}')
    assert counted(move_in("--commit"), "charged payments that share a PSP's reference") == 1
    references = Attempt.objects.order_by("amount").values_list("psp_reference", flat=True)
    assert list(references) == ["ch_1", None]


@pytest.mark.parametrize("answer", ['{"error": {}}', '{"id": "ch_1", "paid": false}'])
def test_charges_that_the_psp_declined_are_to_be_looked_at(
    user: User, ancestor: Ancestor, move_in: Import, answer: str
) -> None:
    ancestor.charged(user, "1.00", "1.00", transaction=answer)
    assert counted(move_in("--commit"), "charged payments whose PSP's answer says") == 1
    assert Payment.objects.get().state == Payment.State.CHARGED


def test_card_numbers_stay_behind(user: User, ancestor: Ancestor, move_in: Import) -> None:
    ancestor.charged(user, "1.00", "1.00", transaction="{'number': ['4242424242424242']}")
    assert counted(move_in("--commit"), "payments whose record holds a card number") == 1
    assert "4242424242" not in Payment.objects.get().transaction


def test_pending_payments_that_a_psp_knows_are_to_be_looked_at(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.pending(user, "1.00", "1.00", payment_service_provider="postfinance")
    assert counted(move_in("--commit"), "pending payments that a PSP was asked about") == 1
    assert Payment.objects.get().payment_service_provider == "postfinance"
