"""`create_pending`: bind, sum, seal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from payments_ui.core.models import JournalEntry, LineItem, Payment
from payments_ui.core.payments import binding, binding_sql
from payments_ui.exceptions import (
    InvalidAmountError,
    InvalidCurrencyError,
    MixedCurrenciesError,
)

pytestmark = pytest.mark.django_db


def record(user: User, *amounts: str, **fields: Any) -> list[LineItem]:
    return [
        LineItem.objects.record(user=user, title=f"Use {n}", amount=amount, **fields)
        for n, amount in enumerate(amounts)
    ]


def pending(user: User, **options: Any) -> Payment:
    payment = Payment.objects.create_pending(user=user, **options)
    assert payment is not None
    return payment


def test_the_amount_is_the_sum_of_the_bound_items(user: User) -> None:
    items = record(user, "5.00", "0.05")
    payment = pending(user)
    assert str(payment.amount) == "5.05"
    assert payment.currency == "CHF"
    assert set(payment.lineitems.all()) == set(items)
    assert payment.email == user.email
    stored = Payment.objects.get()
    assert str(stored.amount) == "5.05"
    assert stored.sealed_at is not None


def test_the_exact_sum_is_rounded_once_half_to_even(user: User) -> None:
    record(user, *["0.0004"] * 12, "0.0002")  # 0.0050
    record(user, "1.00")
    assert pending(user).amount == Decimal("1.00")
    entry = JournalEntry.objects.get(verb=JournalEntry.Verb.PAYMENT_CREATED)
    assert (entry.total, entry.items, entry.currency) == (Decimal("1.005"), 14, "CHF")


def test_sums_do_not_pass_through_floats(user: User) -> None:
    record(user, "9999999999.99999999", "0.00000001", "-9999999999.00000000")
    assert JournalEntry.objects.count() == 0
    pending(user)
    assert JournalEntry.objects.get().total == Decimal("1.00000000")


@pytest.mark.parametrize(
    ("currency", "amount", "expected"),
    [
        *(("JPY", "500", "500"), ("KWD", "1.2345", "1.234"), ("CHF", "0.125", "0.12")),
        *(("CHF", "0.135", "0.14"), ("CHF", "0.12500001", "0.13"), ("CHF", "0.12499999", "0.12")),
        *(("JPY", "1.5", "2"), ("JPY", "2.5", "2"), ("KWD", "0.00050001", "0.001")),
    ],
)
def test_each_currency_has_its_minor_unit(
    user: User, currency: str, amount: str, expected: str
) -> None:
    record(user, amount, currency=currency)
    payment = pending(user)
    assert str(payment.amount) == expected
    assert str(Payment.objects.get().amount) == expected


def test_no_unbound_items_no_payment(user: User) -> None:
    assert Payment.objects.create_pending(user=user) is None
    assert not Payment.all_objects.exists()
    assert not JournalEntry.objects.exists()


def test_a_credit_stays_and_counts_next_time(user: User) -> None:
    record(user, "-25.00")
    assert Payment.objects.create_pending(user=user) is None
    record(user, "60.00")
    assert pending(user).amount == 35


def test_what_rounds_to_nothing_stays_and_counts_next_time(user: User) -> None:
    record(user, "0.004")
    assert Payment.objects.create_pending(user=user) is None
    assert LineItem.objects.unbound().count() == 1


def test_a_sum_of_exactly_zero_is_a_payment_of_zero(user: User) -> None:
    record(user, "10", "-10")
    payment = pending(user)
    assert payment.amount == 0
    assert payment.lineitems.count() == 2


def test_lineitems_restrict_it_to_the_users_own_unbound_items(user: User, make_user: Any) -> None:
    mine, other = record(user, "1", "2")
    (foreign,) = record(make_user(), "4")
    payment = pending(user, lineitems=[mine, foreign])
    assert payment.amount == 1
    assert list(LineItem.objects.unbound().order_by("amount")) == [other, foreign]


def test_several_currencies_need_a_name(user: User) -> None:
    record(user, "1", currency="CHF")
    record(user, "2", currency="EUR")
    with pytest.raises(MixedCurrenciesError):
        Payment.objects.create_pending(user=user)
    assert not Payment.all_objects.exists()
    assert pending(user, currency="EUR").amount == 2
    assert pending(user).currency == "CHF"


def test_an_unknown_currency_is_refused(user: User) -> None:
    with pytest.raises(InvalidCurrencyError):
        Payment.objects.create_pending(user=user, currency="XXQ")


def test_fields_are_an_allow_list(user: User) -> None:
    record(user, "1")
    with pytest.raises(TypeError, match="charged_at"):
        Payment.objects.create_pending(user=user, charged_at="2026-01-01")
    assert pending(user, email="billing@example.com").email == "billing@example.com"


def test_more_than_the_books_can_hold_is_refused(user: User) -> None:
    record(user, *["9999999999"] * 9)
    record(user, "9999999999")
    LineItem.objects.record(user=user, title="More", amount="9999999999.99")
    with pytest.raises(InvalidAmountError):
        Payment.objects.create_pending(user=user)
    assert LineItem.objects.unbound().count() == 11


@pytest.mark.django_db(transaction=True)
def test_six_queries_whatever_the_number_of_items(user: User) -> None:
    for count in (1, 50):
        record(user, *["0.05"] * count)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            pending(user)
        assert len(queries) <= 6, [query["sql"][:80] for query in queries]


def test_it_needs_no_returning(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(connection.cursor(), "lastrowid"):
        pytest.skip("only databases that tell the last id can do without RETURNING")
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)
    record(user, "5.00", "0.05")
    assert pending(user).amount == Decimal("5.05")


def test_other_errors_of_the_database_pass() -> None:
    with pytest.raises(OperationalError), binding_sql._sums_within_64_bits():
        raise OperationalError("disk full")


def test_the_books_hold_less_than_a_hundred_billion(user: User) -> None:
    bound = binding_sql.Bound(Decimal(10) ** 11, "CHF", is_sealed=False)
    with pytest.raises(InvalidAmountError, match="books"):
        binding._seal(Payment(user=user), bound, "default")


def test_line_items_may_come_from_a_generator(user: User) -> None:
    items = record(user, "1", "2")
    assert pending(user, lineitems=(item for item in items)).amount == 3


def test_line_items_and_a_currency_together_restrict_it(user: User) -> None:
    items = record(user, "1") + record(user, "2", currency="EUR")
    payment = pending(user, lineitems=items, currency="EUR")
    assert (payment.amount, payment.currency) == (Decimal(2), "EUR")
    assert LineItem.objects.unbound().count() == 1
