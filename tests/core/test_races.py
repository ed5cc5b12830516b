"""Things done at once by real threads; those of tests/reliability have a report, too."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from payments_ui.core.lineitems.queryset import LineItemQuerySet
from payments_ui.core.models import LineItem, Payment
from payments_ui.exceptions import PaymentsUIError

from .support import errors, record, together, wrong_payments

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4


def ours(user: User) -> Any:
    return Payment.objects.create_pending(user=user)


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


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_prices_that_change_at_once_are_tried_again(
    user: User, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    record(user, "1", "2")
    lock = LineItemQuerySet._lock_unbound
    conflicts = [OperationalError("database is locked")]

    def deadlock_once(rows: LineItemQuerySet) -> Any:
        if conflicts:
            raise conflicts.pop()
        return lock(rows)

    monkeypatch.setattr(LineItemQuerySet, "_lock_unbound", deadlock_once)
    rows = LineItem.objects.filter(user=user)
    assert rows.update(amount=3) == 2 if verb == "update" else rows.delete()[0] == 2
    assert not conflicts
