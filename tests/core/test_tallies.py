"""Users with many line items: what this process has summed is used as long as it is true."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections, transaction

from payments_ui.core import owed_sql, queries, tallies
from payments_ui.core.models import LineItem, Payment
from tests.core.support import record
from tests.counting import reads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Remember users with three line items, and nobody from the test before."""
    monkeypatch.setattr(tallies, "FEWEST", 3)
    tallies.forget_all()
    yield
    tallies.forget_all()


def use(user: User, title: str = "Frame", day: int = 1, **fields: Any) -> LineItem:
    """Record a use."""
    at = dt.datetime(2026, 11, day, 12, tzinfo=dt.UTC)
    item: LineItem = LineItem.objects.record(
        user=user, title=title, used_at=at, **{"amount": "0.0004", **fields}
    )
    return item


def seen(user: User, currency: str = "CHF", limit: int = 9, offset: int = 0) -> Any:
    """What a page shows, and what the tables say."""
    shown = queries.owed_and_groups(user, currency, limit=limit, offset=offset)
    known = dict(tallies._known)
    tallies.forget_all()
    assert shown == queries.owed_and_groups(user, currency, limit=limit, offset=offset)
    assert shown[1] == queries.groups(user, currency, limit=limit, offset=offset)
    tallies.forget_all()
    tallies._known.update(known)
    return shown


def test_only_what_is_new_is_summed_and_the_page_is_the_same(user: User) -> None:
    tiles: dict[str, Any] = {
        "unit": "tile",
        "unit_price": "0.0004",
        "amount": None,
        "title": "Render",
    }
    for day in (3, 1, 2):
        use(user, day=day)
        use(user, quantity="2", day=day, **tiles)
    use(user, amount="5", currency="JPY")
    seen(user)
    with reads(1):
        owed = queries.owed(user)
    assert owed == seen_owed(user)
    # New in a known group, older than its others; in a new group; and in a new currency.
    use(user, day=1)
    use(user, quantity="3", day=9, **tiles)
    use(user, "frame", day=5)
    use(user, currency="EUR")
    for currency, limit, offset in (("CHF", 9, 0), ("CHF", 1, 1), ("JPY", 9, 0), ("EUR", 9, 0)):
        seen(user, currency, limit, offset)
    _owed, groups = seen(user)
    assert [(group.title, group.count) for group in groups] == [
        *(("Render", 4), ("frame", 1), ("Frame", 4))
    ]
    assert groups[0].quantity == Decimal(9)


def seen_owed(user: User) -> queries.Owed:
    """What is owed, as the tables say."""
    rows = queries._all(connection, owed_sql.told(owed_sql.OWED, connection.vendor), [user.pk] * 4)
    return queries._owed(rows, connection)


def test_what_changes_line_items_is_seen(user: User) -> None:
    items = record(user, "1", "2", "3", "4", "5")
    seen(user)
    items[0].amount = Decimal(7)
    items[0].save()
    assert seen(user)[0].totals[0].amount == Decimal(21)
    items[1].delete()
    assert seen(user)[0].totals[0].amount == Decimal(19)
    payment = Payment.objects.create_pending(user=user, lineitems=items[2:3])
    assert payment
    assert seen(user)[0].totals[0].amount == Decimal(16)
    payment.cancel_pending(by="user:1")
    assert seen(user)[0].totals[0].amount == Decimal(19)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="writers wait for each other")
def test_what_commits_late_is_seen(user: User) -> None:
    written, may_commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            use(user, amount="100")
            written.set()
            may_commit.wait(20)
        connections.close_all()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    written.wait(20)
    record(user, *["1"] * 60)
    assert seen(user)[0].totals[0].amount == Decimal(60)
    may_commit.set()
    slow.join()
    assert seen(user)[0].totals[0].amount == Decimal(160)


def test_nothing_is_remembered_inside_a_transaction(user: User) -> None:
    with transaction.atomic():
        record(user, "1", "2", "3")
        queries.owed_and_groups(user, "CHF", limit=9)
        queries.owed(user)
        transaction.set_rollback(True)
    assert not tallies._known
    record(user, "4", "5", "6")
    assert seen(user)[0].totals[0].amount == Decimal(15)


def test_nothing_is_remembered_where_nothing_is_committed_by_itself(user: User) -> None:
    transaction.set_autocommit(False)
    try:
        record(user, "1", "2", "3")
        queries.owed_and_groups(user, "CHF", limit=9)
        queries.owed(user)
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert not tallies._known


@pytest.mark.parametrize("differs", ["schema", "host"])
def test_another_sites_users_of_the_same_ids_are_others(
    user: User, monkeypatch: pytest.MonkeyPatch, differs: str
) -> None:
    record(user, "1", "2", "3")
    queries.owed_and_groups(user, "CHF", limit=9)
    assert tallies.find(connection, user.pk)
    if differs == "schema":
        monkeypatch.setattr(connection, "schema_name", "another", raising=False)
    else:
        monkeypatch.setitem(connection.settings_dict, "HOST", "another")
    assert not tallies.has_many(connection, user.pk)
    assert tallies.find(connection, user.pk) is None


def test_what_was_stored_by_hand_without_a_quantity_is_summed_all_the_same(user: User) -> None:
    price = LineItem._meta.get_field("unit_price").get_db_prep_save(Decimal(2), connection)
    for _time in range(2):
        use(user, amount=None, unit_price=2, quantity=5)
        for quantity in (None, Decimal(1)):
            item = use(user)
            with connection.cursor() as cursor:
                stored = LineItem._meta.get_field("quantity").get_db_prep_save(quantity, connection)
                sql = f"UPDATE {owed_sql.LINEITEM} SET unit_price = %s, quantity = %s WHERE id = %s"  # noqa: S608
                cursor.execute(sql, [price, stored, item.pk])
            seen(user)
    assert [(each.count, each.quantity) for each in seen(user)[1]] == [(6, Decimal(12))]
    LineItem.objects.update(unit_price=None, quantity=None, amount=1)
    seen(user)
    use(user, amount=1)
    assert seen(user)[1][0].quantity is None


def test_it_is_forgotten_after_a_minute_and_when_the_tables_are_emptied(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(user, "1", "2", "3")
    queries.owed_and_groups(user, "CHF", limit=9)
    assert tallies.find(connection, user.pk)
    with monkeypatch.context() as later:
        later.setattr(tallies.time, "monotonic", lambda: float("inf"))  # type: ignore[attr-defined]
        assert tallies.find(connection, user.pk) is None
    call_command("flush", interactive=False, verbosity=0)
    assert tallies.find(connection, user.pk) is None


def test_a_badge_alone_learns_that_a_user_has_many(user: User) -> None:
    record(user, "1", "2", "3")
    assert queries.owed(user) == queries.owed(user) == seen_owed(user)
    assert tallies.find(connection, user.pk)


def test_what_is_not_worth_it_is_not_remembered(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "MOST_GROUPS", 2)
    monkeypatch.setattr(tallies, "_MOST_USERS", 1)
    items = [use(user, title) for title in ("A", "B", "B")]
    seen(user)
    assert tallies.has_many(connection, user.pk)
    use(user, "C")
    seen(user)
    assert not tallies.has_many(connection, user.pk)
    items[0].delete()
    seen(user)
    seen(user)
    other = User.objects.create_user("other")
    for title in "ABA":
        use(other, title)
    seen(other)
    assert not tallies.has_many(connection, user.pk)
    LineItem.objects.filter(user=other, title="A").delete()
    assert seen(other)[0].totals[0].count == 1
