"""Many people who owe, made quickly; and what is wrong with their payments."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.auth.models import User

from payments_ui import money
from payments_ui.core.models import LineItem, Payment

_numbers = count(1)


def people(number: int) -> list[User]:
    """So many users who owe nothing yet."""
    names = [f"payer-{next(_numbers)}" for _ in range(number)]
    users = [User(username=name, email=f"{name}@example.com") for name in names]
    return list(User.objects.bulk_create(users))


def owe(user: User, *amounts: str, currency: str = "CHF") -> None:
    """Record line items, unbound."""
    LineItem.objects.bulk_create(
        LineItem(user=user, title=f"Use {number}", amount=Decimal(amount), currency=currency)
        for number, amount in enumerate(amounts)
    )


def record(user: User, amount: str = "10") -> LineItem:
    """Record one line item as sites do."""
    return LineItem.objects.record(user=user, title="One more", amount=amount)


def wrong(user: User) -> list[str]:
    """What is wrong with this user's payments: ghosts, and amounts that are not the sum."""
    return [text for payment in payments_of(user) if (text := _wrong(payment))]


def payments_of(user: User) -> list[Payment]:
    return list(Payment.objects.filter(user=user).pending())


def _wrong(payment: Payment) -> str:
    amounts = list(payment.lineitems.values_list("amount", flat=True))
    if not amounts:
        return f"a ghost of {payment.amount}"
    total = money.round_amount(sum(amounts, Decimal(0)), payment.currency)
    return "" if total == payment.amount else f"{payment.amount} charged for items of {total}"


def failures(results: Iterable[Any]) -> list[str]:
    """Those results that are exceptions, as text."""
    return [repr(result) for result in results if isinstance(result, Exception)]
