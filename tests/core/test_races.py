"""Things done at once by real threads; each race also runs against the naive order of steps.

A race test that cannot fail proves nothing, so on PostgreSQL the canary has to go wrong.
"""

from __future__ import annotations

import time
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from payments_ui.core.models import JournalEntry, LineItem, Payment
from payments_ui.exceptions import PaymentsUIError
from tests.conftest import UserFactory

from .support import bare, errors, journalled, record, together, wrong_payments

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4
bites = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="the canary is shown to bite on PostgreSQL"
)


def ours(user: User) -> Any:
    return Payment.objects.create_pending(user=user)


def naive(user: User) -> Any:
    """Sum what is unbound, then bind what is unbound: the order of steps that goes wrong."""
    with transaction.atomic():
        amounts = list(
            LineItem.objects.unbound().filter(user=user).values_list("amount", flat=True)
        )
        if not amounts:
            return None
        payment = Payment(id=uuid.uuid4(), user=user, amount=sum(amounts), currency="CHF")
        payment.save_base(force_insert=True)
        time.sleep(0.01)
        bare(LineItem).filter(user=user, payment__isnull=True).update(payment=payment)
        return payment


def double_click(make_user: UserFactory, create: Any) -> int:
    wrong = 0
    for _round in range(ROUNDS):
        user = make_user()
        record(user, *["10"] * 5)

        def act(_number: int, user: User = user) -> Any:
            return create(user)

        assert errors(together(8, act)) == []
        wrong += len(user.user_payments.all()) != 1
    return wrong + len(wrong_payments())


def billing_while_being_used(make_user: UserFactory, create: Any) -> int:
    for _round in range(ROUNDS):
        user = make_user()
        record(user, *["10"] * 5)

        def act(number: int, user: User = user) -> Any:
            return record(user, *["1"] * 5) if number else create(user)

        assert errors(together(4, act)) == []
        assert LineItem.objects.filter(user=user).count() == 20
    return len(wrong_payments())


def price_change_while_billing(make_user: UserFactory, create: Any, reprice: Any) -> int:
    for _round in range(ROUNDS):
        user = make_user()
        record(user, *["10"] * 5)

        def act(number: int, user: User = user) -> Any:
            return create(user) if number % 2 else reprice(user)

        results = together(4, act)
        assert all(isinstance(error, PaymentsUIError) for error in errors(results))
    return len(wrong_payments())


def reprice(user: User) -> Any:
    return LineItem.objects.unbound().filter(user=user).update(amount=Decimal(11))


def naive_reprice(user: User) -> int:
    return bare(LineItem).filter(user=user, payment__isnull=True).update(amount=Decimal(11))


def test_a_double_click_makes_one_payment(make_user: UserFactory) -> None:
    assert double_click(make_user, ours) == 0
    assert journalled(JournalEntry.Verb.PAYMENT_CREATED) == ROUNDS


@bites
def test_a_double_click_goes_wrong_in_the_naive_order(make_user: UserFactory) -> None:
    assert double_click(make_user, naive) > 0


def test_items_added_while_billing_are_in_the_amount_or_unbound(make_user: UserFactory) -> None:
    assert billing_while_being_used(make_user, ours) == 0


@bites
def test_items_added_while_billing_are_lost_in_the_naive_order(make_user: UserFactory) -> None:
    assert billing_while_being_used(make_user, naive) > 0


def test_a_price_change_while_billing_happens_before_or_not_at_all(
    make_user: UserFactory,
) -> None:
    assert price_change_while_billing(make_user, ours, reprice) == 0


@bites
def test_a_price_change_while_billing_is_lost_in_the_naive_order(make_user: UserFactory) -> None:
    assert price_change_while_billing(make_user, naive, naive_reprice) > 0


def test_giving_up_and_billing_again_at_once_lose_nothing(user: User) -> None:
    record(user, *["10"] * 5)
    for _round in range(ROUNDS):
        payment = ours(user) or user.user_payments.pending().get()

        def act(number: int, payment: Payment = payment) -> Any:
            return ours(user) if number % 2 else payment.cancel_pending()

        results = together(4, act)
        assert all(isinstance(error, PaymentsUIError) for error in errors(results))
    assert wrong_payments() == []
    assert LineItem.objects.count() == 5
