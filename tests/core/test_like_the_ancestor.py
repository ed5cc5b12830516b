"""Code written for django-user-payments: it means the same, or an error says what to do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Sum
from django.template import Context, Template
from django.utils import timezone

from payments_ui.core.models import LineItem, Payment
from payments_ui.exceptions import InvalidTitleError, PaymentStateError
from tests.core.support import pending, record

pytestmark = pytest.mark.django_db


def shown(template: str, **context: Any) -> str:
    return Template(template).render(Context(context))


@pytest.mark.parametrize(
    ("amount", "reads"),
    [("5", "5.00"), ("0.05", "0.05"), ("0.0004", "0.0004"), ("-1200", "-1200.00"), ("0", "0.00")],
)
def test_amounts_of_line_items_read_as_money(user: User, amount: str, reads: str) -> None:
    (item,) = record(user, amount)
    item.refresh_from_db()
    assert shown("{{ item.amount }}", item=item) == reads
    assert str(LineItem.objects.values_list("amount", flat=True).get()) == reads
    assert str(LineItem.objects.aggregate(sum=Sum("amount"))["sum"]) == reads
    annotated = User.objects.annotate(owed=Sum("user_lineitems__amount"))
    assert str(annotated.get(pk=user.pk).owed) == reads


def test_amounts_of_payments_read_as_money(user: User) -> None:
    payment = pending(user, "3.50", "1.50")
    assert shown("{{ payment.amount }}", payment=payment) == "5.00"
    assert str(Payment.objects.get().amount) == "5.00"
    assert str(Payment.objects.values_list("amount", flat=True).get()) == "5.00"
    assert str(Payment.objects.aggregate(sum=Sum("amount"))["sum"]) == "5.00"


def test_nothing_is_rounded_to_be_read(user: User) -> None:
    record(user, "0.00000001", "9999999999.99999999")
    total = LineItem.objects.aggregate(sum=Sum("amount"))["sum"]
    assert total == Decimal("10000000000.00000000")
    assert str(LineItem.objects.get(amount="0.00000001").amount) in ("1E-8", "0.00000001")


def test_a_line_item_without_a_title_says_so(user: User) -> None:
    with pytest.raises(InvalidTitleError, match="has a title of 1 to 200 characters, not 0"):
        LineItem.objects.create(user=user, amount=5)


def test_an_empty_address_becomes_the_users(user: User) -> None:
    record(user, "5")
    payment = Payment.objects.create_pending(user=user, email="")
    assert payment is not None
    assert payment.email == user.email
    payment.email = ""
    payment.save()
    payment.refresh_from_db()
    assert payment.email == user.email


@pytest.mark.parametrize("field", ["charged_at", "amount"])
def test_a_payment_is_not_created_as_charged(user: User, field: str) -> None:
    record(user, "5")
    fields: Any = {field: timezone.now()}
    with pytest.raises(TypeError, match=f"{field}. It sums the amount itself"):
        Payment.objects.create_pending(user=user, **fields)
    for make in (Payment.objects.create, lambda **fields: Payment(**fields).save()):
        with pytest.raises(PaymentStateError, match="create_pending"):
            make(user=user, amount=5)
    assert not Payment.all_objects.exists()


def test_an_amount_cannot_be_changed(user: User) -> None:
    payment = pending(user, "5")
    payment.amount = Decimal(7)
    with pytest.raises(PaymentStateError, match=r"create_pending\(\) for another amount"):
        payment.save()
