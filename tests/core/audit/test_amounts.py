"""Amounts are compared to the last decimal on every database."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection

from payments_ui.core.audit import Finding, audit, reading
from payments_ui.core.models import LineItem, Payment
from tests.conftest import UserFactory
from tests.core.audit.support import books, unprotected
from tests.core.support import bare, pending, record

pytestmark = pytest.mark.django_db

# Exact total, currency, and amounts that are not the total rounded half to even.
WRONG = [
    ("0.125", "CHF", ["0.13", "0.11", "0.121", "0"]),
    ("0.135", "CHF", ["0.13", "0.15"]),
    ("9999999999.98500001", "CHF", ["9999999999.98", "10000000000"]),
    ("2.5", "JPY", ["3", "2.5"]),
    ("3.49999999", "JPY", ["4", "3.5"]),
    ("0.0125", "KWD", ["0.013", "0.011"]),
    ("-0.005", "CHF", ["0.01", "-0.01"]),
]


@pytest.fixture
def payment(user: User) -> Iterator[Payment]:
    """Return a payment of one line item."""
    found = pending(user, "1")
    with unprotected():
        yield found


def findings(payment: Payment, total: str, amount: str, currency: str) -> list[Finding]:
    """Return what the auditor says of such an amount for this total."""
    bare(LineItem).update(amount=total, currency=currency)
    bare(Payment).update(amount=amount, currency=currency)
    return list(audit(only=["payment_amount"]))


@pytest.mark.parametrize(("total", "currency", "amounts"), WRONG)
def test_any_other_amount_than_the_total_rounded_half_to_even_is_found(
    payment: Payment, total: str, currency: str, amounts: list[str]
) -> None:
    assert [amount for amount in amounts if not findings(payment, total, amount, currency)] == []


def test_a_finding_says_both_amounts(payment: Payment) -> None:
    detail = "amount=0.13 total=0.125 currency=CHF"
    assert findings(payment, "0.125", "0.13", "CHF") == [
        Finding("payment_amount", "payment", str(payment.pk), detail)
    ]


def test_the_total_rounded_is_right(payment: Payment) -> None:
    for total, amount, currency in (
        ("0.125", "0.12", "CHF"),
        ("0.135", "0.14", "CHF"),
        ("9999999999.98500001", "9999999999.99", "CHF"),
        ("2.5", "2", "JPY"),
        ("3.5", "4", "JPY"),
        ("0.0125", "0.012", "KWD"),
        ("-0.005", "0", "CHF"),
    ):
        assert findings(payment, total, amount, currency) == []


def test_a_currency_in_small_letters_is_unknown(payment: Payment) -> None:
    bare(LineItem).update(currency="chf")
    bare(Payment).update(currency="chf")
    found = {finding.rule for finding in audit()}
    assert {"payment_known_currency", "lineitem_currency"} <= found


@pytest.mark.parametrize("pooled", [False, True])
def test_findings_are_fetched_a_few_at_a_time(
    pooled: bool, make_user: UserFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", pooled)
    monkeypatch.setattr(reading, "_ROWS", 1)
    right = books(make_user)
    with unprotected():
        bare(Payment).update(sealed_at=None)
        found = list(audit(only=["payment_sealed"]))
    ids = {
        str(each.pk) for each in (right.charged, right.pending, right.gone, right.partly.payment)
    }
    assert {finding.id for finding in found} == ids


@pytest.mark.parametrize(
    ("amount", "quantity", "unit_price"),
    [
        *(("1.3056", "3264", "0.0004"), ("-1.3056", "-3264", "0.0004"), ("0", "0", "5")),
        *(("0.00000002", "1.5", "0.00000001"), ("0", "0.5", "0.00000001")),
        *(("246913579.48148145", "123456789.12345678", "2.00000001"),),
        *(("9999999999.99999999", "9999999999.99999999", "1"),),
    ],
)
def test_an_amount_is_its_product_to_the_last_decimal(
    user: User, amount: str, quantity: str, unit_price: str
) -> None:
    (item,) = record(user, "1")
    measured = {"quantity": quantity, "unit_price": unit_price, "unit": "tiles"}
    last = Decimal("0.00000001")
    wrong = Decimal(amount) - last if Decimal(amount) > 1 else Decimal(amount) + last
    for stored, rules in ((Decimal(amount), []), (wrong, ["lineitem_product"])):
        bare(LineItem).filter(pk=item.pk).update(amount=stored, **measured)
        assert [finding.rule for finding in audit(only=["lineitem_product"])] == rules


@pytest.mark.parametrize("missing", ["quantity", "unit_price"])
def test_half_of_a_product_is_found(user: User, missing: str) -> None:
    (item,) = record(user, "4")
    two = Decimal(2)
    measured = {"quantity": two, "unit_price": two, "unit": "tiles", missing: None}
    bare(LineItem).filter(pk=item.pk).update(**measured)
    assert [finding.id for finding in audit(only=["lineitem_product"])] == [str(item.pk)]
