"""The databases keep no line item that is no number, whoever writes it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from payments_ui.core.models import Payment
from tests.core.support import record

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("column", ["amount", "quantity", "unit_price"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "twelve"])
def test_what_is_no_number_is_not_stored_by_hand(user: User, column: str, value: str) -> None:
    (item,) = record(user, "7")
    sql = f"UPDATE payments_core_lineitem SET {column} = %s WHERE id = %s"  # noqa: S608
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, [value, item.pk])
    payment = Payment.objects.create_pending(user=user)
    assert payment is not None
    assert payment.amount == 7
