"""What is written while a payment waits for its lock counts, also in other tables than its own."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from payments_ui.core.models import LineItem, Payment
from payments_ui.exceptions import PaymentGoneError
from tests.core.support import pending, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time")
def test_a_condition_on_another_table_is_asked_when_the_lock_is_held(user: User) -> None:
    payment = pending(user, "5.00")
    LineItem.objects.record(user=user, title="Mark", amount="1", key="mark")
    marked = LineItem.objects.filter(user=OuterRef("user"), title="New mark")
    unmarked = Payment.all_objects.filter(~Exists(marked))
    locked = threading.Event()

    def act(number: int) -> Any:
        if number:
            locked.wait(10)
            with pytest.raises(PaymentGoneError):
                payment.cancel_pending(among=unmarked)
            return
        with transaction.atomic():
            assert payment.lock()
            locked.set()
            # The other one waits for the payment by now.
            threading.Event().wait(0.5)
            LineItem.objects.filter(key="mark").update(title="New mark")

    assert together(2, act) == [None, None]
    assert Payment.objects.get().cancelled_at is None


def test_among_no_payments_none_is_locked(user: User) -> None:
    payment = pending(user, "5.00")
    for nothing in (Payment.objects.none(), Payment.objects.filter(currency__in=[])):
        with transaction.atomic():
            assert nothing.lock(payment.pk) is None
