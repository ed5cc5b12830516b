"""Reading many rows, a batch at a time, while they are being written."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from payments_ui.core.db.keyset import batches
from payments_ui.core.models import LineItem
from tests.core.support import record
from tests.counting import reads

pytestmark = pytest.mark.django_db


def test_every_row_is_read_once_in_order(user: User) -> None:
    items = record(user, *("1", "2", "3", "4", "5"))
    found = list(batches(LineItem.objects.all(), "created_at", "pk", size=2))
    assert [len(batch) for batch in found] == [2, 2, 1]
    assert [item for batch in found for item in batch] == items


def test_rows_with_the_same_value_are_told_apart_by_the_next(user: User) -> None:
    items = record(user, *("1", "2", "3", "4", "5"))
    found = batches(LineItem.objects.all(), "user_id", "currency", "pk", size=2)
    assert [item for batch in found for item in batch] == items


@pytest.mark.parametrize(("rows", "queries"), [(0, 1), (1, 1), (2, 2), (3, 2)])
def test_no_query_too_many(user: User, rows: int, queries: int) -> None:
    record(user, *["1"] * rows)
    with reads(queries):
        list(batches(LineItem.objects.all(), "pk", size=2))


def test_rows_that_are_done_meanwhile_are_left_out(user: User) -> None:
    record(user, *("1", "2", "3", "4", "5"))
    seen = 0
    for batch in batches(LineItem.objects.filter(title__startswith="Use"), "pk", size=2):
        seen += len(batch)
        LineItem.objects.filter(title="Use 3").update(title="Done")
    assert seen == 4
