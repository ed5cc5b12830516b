"""At every door of the books, an amount is a number as people write it, or a typed error."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.models import Event, LineItem, Refund
from payments_ui.exceptions import InvalidAmountError, InvalidCurrencyError
from tests.core.support import charged, pending, record

pytestmark = pytest.mark.django_db

ARRIVAL: dict[str, Any] = {
    "moocher": "bank",
    "psp_reference": "RF18",
    "currency": "CHF",
    "event_id": "e1",
}

NO_AMOUNTS = [
    *("1E+999999", "1_2.00", "\u0661\u0662", "\uff11\uff12.00", "1\u0968", "NaN", "", "12,00"),
    *(Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1E+999999")),
    *(12.0, float("nan"), True, b"12", "9" * 5000),
]


def recording(user: User, amount: Any) -> None:
    LineItem.objects.record(user=user, title="Tiles", amount=amount, currency="CHF")


def pricing(user: User, amount: Any) -> None:
    LineItem.objects.record(
        user=user, title="Tiles", quantity=amount, unit_price="0.5", currency="CHF"
    )


def creating(user: User, amount: Any) -> None:
    LineItem.objects.create(user=user, title="Tiles", amount=amount, currency="CHF")


def correcting(user: User, amount: Any) -> None:
    record(user, "5")
    LineItem.objects.update(amount=amount)


def booking(user: User, amount: Any) -> None:
    book_arrival(**ARRIVAL, amount=amount)


def refunding(user: User, amount: Any) -> None:
    charged(user, "12").refund(amount, reason="broken")


@pytest.mark.parametrize("amount", NO_AMOUNTS, ids=lambda amount: ascii(amount)[:20])
@pytest.mark.parametrize("door", [recording, pricing, creating, correcting, booking, refunding])
def test_what_is_no_amount_is_a_typed_error(
    user: User, door: Callable[[User, Any], None], amount: Any
) -> None:
    with pytest.raises(InvalidAmountError):
        door(user, amount)
    assert not LineItem.objects.unbound().exclude(amount=5).exists()
    assert not Event.objects.exists()
    assert not Refund.objects.exists()


def test_an_arrival_is_kept_to_the_last_digit_or_refused(user: User) -> None:
    """A fourth decimal would be rounded by the column."""
    with pytest.raises(InvalidAmountError):
        book_arrival(**ARRIVAL, amount=Decimal("12.0004"))
    event = book_arrival(**ARRIVAL, amount=Decimal("12345678901.23"))
    event.refresh_from_db()
    assert event.amount == Decimal("12345678901.23")


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "CHW", "CLF", "XDR"])
def test_a_code_that_is_no_money_is_no_currency_of_the_books(user: User, code: str) -> None:
    with pytest.raises(InvalidCurrencyError):
        LineItem.objects.record(user=user, title="Tiles", amount=5, currency=code)
    record(user, "5")
    with pytest.raises(InvalidCurrencyError):
        pending(user, currency=code)


def test_a_payment_in_forints_has_its_fillers(user: User) -> None:
    """CLDR shows none, ISO 4217 has two: what is asked does not depend on what is shown."""
    record(user, "12.345", currency="HUF")
    payment = pending(user)
    assert (str(payment.amount), payment.amount_cents) == ("12.34", 1234)
