"""Uses recorded in number: as ``record`` would, whatever some rows or other processes do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction

from payments_ui.core.lineitems import recording_many, recording_sql
from payments_ui.core.models import LineItem
from payments_ui.exceptions import (
    InvalidAmountError,
    InvalidCurrencyError,
    InvalidTitleError,
    KeyConflictError,
    LineItemError,
    QuantityError,
    UsesRefusedError,
)
from tests.conftest import UserFactory
from tests.core.support import errors, pending, record, together

pytestmark = pytest.mark.django_db
many = LineItem.objects.record_many
MAY = dt.datetime(2026, 5, 12, 9, 30, 0, 123456, tzinfo=dt.UTC)


def uses(user: User, *keys: str, **facts: Any) -> list[dict[str, Any]]:
    return [
        {"user": user, "title": "Tiles", "amount": "1.3056", "key": key} | facts for key in keys
    ]


def facts(item: LineItem) -> dict[str, Any]:
    own = {"id", "created_at", "key"}
    names = {field.attname for field in LineItem._meta.concrete_fields}
    return {name: getattr(item, name) for name in names - own}


ROWS: list[dict[str, Any]] = [
    {"title": " Tiles ", "amount": "0.0004", "used_at": MAY},
    {"title": 'a "b" \\ {c}, NULL', "amount": Decimal("-9999999999.99999999"), "used_at": MAY},
    {"title": "Zoë 🎉\n%s '", "amount": 7, "currency": "EUR", "used_at": MAY},
    {"title": "NULL", "quantity": 3264, "unit": "tiles", "unit_price": "0.0004", "used_at": MAY},
    {"title": "T", "amount": "1.5", "quantity": 3, "unit_price": "0.5", "used_at": MAY},
    {"title": "E", "amount": "1E+2", "used_at": MAY.astimezone(dt.timezone(dt.timedelta(hours=5)))},
]


def test_each_row_is_stored_as_record_would(user: User) -> None:
    for number, row in enumerate(ROWS):
        LineItem.objects.record(user=user, key=f"one:{number}", **row)
    rows = ({"user_id": user.pk, "key": f"many:{number}"} | row for number, row in enumerate(ROWS))
    assert many(rows) == (len(ROWS), 0)
    one, all_at_once = (
        list(LineItem.objects.filter(key__startswith=way).order_by("key"))
        for way in ("one:", "many:")
    )
    assert [facts(item) for item in all_at_once] == [facts(item) for item in one]


def test_a_use_without_a_date_is_used_now(user: User) -> None:
    many(uses(user, "a", "b"))
    first, second = LineItem.objects.all()
    assert first.used_at == first.created_at == second.used_at
    assert abs(record(user, "1")[0].created_at - first.created_at) < dt.timedelta(minutes=1)


def test_the_same_rows_again_are_known_however_they_were_recorded(user: User) -> None:
    record(user, "1.3056", key="b")
    assert many(uses(user, "a", "b", "c")) == (2, 1)
    assert many(uses(user, "c", " b", "a", "d", "d", amount=Decimal("1.30560"))) == (1, 4)
    assert record(user, "1.3056", key="d")[0].title == "Tiles"
    assert LineItem.objects.count() == 4


def test_a_key_is_its_users_own_and_compared_byte_by_byte(
    user: User, make_user: UserFactory
) -> None:
    keys = ["a", "A", "ä", "a\u0308", "a\u200b", "'\"\\", "{}", "NULL", "null", "x' for key 'y"]
    other = make_user()
    assert many([*uses(user, *keys), *uses(other, *keys)]) == (20, 0)
    assert many([*uses(other, *keys), *uses(user, *keys)]) == (0, 20)
    assert set(other.user_lineitems.values_list("key", flat=True)) == set(keys)


def test_the_use_of_a_bound_item_is_known(user: User) -> None:
    record(user, "5", key="a")
    payment = pending(user)
    assert many(uses(user, "a", "b", amount=5)) == (1, 1)
    assert payment.lineitems.count() == 1


WRONG: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"amount": 0.1}, InvalidAmountError),
    ({"amount": None}, InvalidAmountError),
    ({"amount": [1]}, InvalidAmountError),
    ({"amount": Decimal("sNaN")}, InvalidAmountError),
    ({"amount": True}, InvalidAmountError),
    ({"amount": "0.000000001"}, InvalidAmountError),
    ({"currency": "XXQ"}, InvalidCurrencyError),
    ({"currency": ["CHF"]}, InvalidCurrencyError),
    ({"title": "t" * 201}, InvalidTitleError),
    ({"title": "a\x00b"}, InvalidTitleError),
    ({"title": "a\ud800b"}, InvalidTitleError),
    ({"quantity": 2, "unit_price": 1}, QuantityError),
    ({"unit": "tiles"}, QuantityError),
    ({"key": None}, LineItemError),
    ({"key": " "}, LineItemError),
    ({"key": "k" * 201}, LineItemError),
    ({"user": None, "user_id": -1}, LineItemError),
    ({"user": None, "user_id": "nobody"}, LineItemError),
    ({"user": User(username="new")}, LineItemError),
    ({"used_at": "yesterday"}, ValidationError),
]


@pytest.mark.parametrize(("wrong", "error"), WRONG)
def test_what_record_refuses_is_told_at_the_end_and_holds_no_other_use_up(
    user: User, wrong: dict[str, Any], error: type[Exception]
) -> None:
    rows = [*uses(user, "a"), uses(user, "wrong")[0] | wrong, *uses(user, "b")]
    with pytest.raises(UsesRefusedError, match="2 new, 0 known, 1 refused; row 1: ") as refused:
        many(rows)
    assert type(refused.value.errors[1]) is error
    assert set(LineItem.objects.values_list("key", flat=True)) == {"a", "b"}


def test_a_known_key_with_another_amount_is_refused_by_name_and_the_rest_recorded(
    user: User,
) -> None:
    record(user, "1", key="a")
    rows = [*uses(user, "a", "b"), *uses(user, "b", currency="EUR"), *uses(user, "c")]
    with pytest.raises(UsesRefusedError) as refused:
        many(rows)
    found = refused.value
    assert (found.new, found.known, found.count) == (2, 0, 2)
    assert [type(error) for error in found.errors.values()] == [KeyConflictError] * 2
    assert str(found.errors[0]) == "Key 'a' was recorded as CHF\xa01.00, now it is CHF\xa01.3056"
    assert {item.key: item.currency for item in LineItem.objects.all()} == dict.fromkeys(
        "abc", "CHF"
    )


def test_inside_a_transaction_all_are_recorded_or_none(user: User) -> None:
    with pytest.raises(UsesRefusedError), transaction.atomic():
        many([*uses(user, "a"), *uses(user, "b", amount=0.1)])
    assert not LineItem.objects.exists()
    with transaction.atomic():
        record(user, "1.3056", key="a")
        assert many(uses(user, "a", "b")) == (1, 1)
        record(user, "2")
    assert LineItem.objects.count() == 3


@pytest.mark.parametrize(
    "impossible", [2**70, float("inf"), "\x00", "1\x00"], ids=["huge", "inf", "nul", "with nul"]
)
def test_a_user_id_that_no_database_holds_holds_nobody_up(user: User, impossible: Any) -> None:
    strange = {"user_id": impossible, "title": "Tiles", "amount": "1", "key": "b"}
    with pytest.raises(UsesRefusedError) as caught:
        many([*uses(user, "a"), strange, *uses(user, "c")])
    assert (caught.value.new, caught.value.count) == (2, 1)


def test_who_is_charged_is_named_exactly(user: User) -> None:
    User.objects.get_or_create(pk=1, defaults={"username": "first"})
    cut = [user.pk + 0.5, float(user.pk), Decimal(user.pk) + Decimal("0.5"), True, 1.5]
    rows = [
        {"user_id": named, "title": "Tiles", "amount": "1", "key": f"{named!r}"} for named in cut
    ]
    with pytest.raises(UsesRefusedError) as caught:
        many([*uses(user, "a"), *rows])
    assert (caught.value.new, caught.value.count) == (1, len(cut))


def test_where_users_are_known_by_a_text_it_is_one_that_every_database_takes() -> None:
    field = models.CharField(primary_key=True)
    assert recording_many._primary_key(field, "maria") == "maria"
    for text in ("mar\x00ia", "\ud800"):
        with pytest.raises(ValidationError):
            recording_many._primary_key(field, text)


def test_of_many_refused_rows_all_are_counted_and_some_kept(user: User) -> None:
    with pytest.raises(UsesRefusedError) as refused:
        many(uses(user, *map(str, range(150)), amount=0.1))
    assert (refused.value.count, len(refused.value.errors)) == (150, 100)
    assert str(refused.value).count("row ") == 3


def test_a_misspelt_argument_is_an_error_at_once(user: User) -> None:
    with pytest.raises(TypeError, match="titel"):
        many(uses(user, "a", titel="Tiles"))


def test_rows_are_taken_as_they_come_and_stored_in_batches(
    user: User, make_user: UserFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [user, make_user(), make_user()]
    monkeypatch.setattr(recording_sql.SQL[connection.vendor], "batch", 4)
    monkeypatch.setattr(recording_sql, "_PAIRS", 3)
    monkeypatch.setattr(recording_many, "_USERS", 1)
    monkeypatch.setattr(recording_many, "_ASKED", 2)
    stored_when_asked = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(10):
            stored_when_asked.append(LineItem.objects.count())
            yield from uses(users[number % 3], f"job:{number}")

    assert many(rows()) == (10, 0)
    assert stored_when_asked == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]
    assert many(rows()) == (0, 10)
    assert many([]) == (0, 0)


def test_the_number_of_statements_is_that_of_the_batches(
    user: User, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(4):
        many(uses(user, *map(str, range(900))))


def test_a_key_whose_item_went_just_then_is_refused(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(user, "1.3056", key="a")
    record(user, "1.3056", key="b")
    sql: Any = recording_sql.SQL[connection.vendor]
    monkeypatch.setattr(sql, "insert", lambda self, uses: 0)
    look = sql.stored
    monkeypatch.setattr(sql, "stored", lambda self, uses: look(self, uses[1:]))
    with pytest.raises(UsesRefusedError, match=r"row 0: .*just now"):
        many(uses(user, "a", "b"))


@pytest.mark.skipif(connection.vendor != "mysql", reason="one statement elsewhere")
def test_others_may_record_the_same_keys_between_the_statements(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(user, "1.3056", key="a")
    sql: Any = recording_sql.SQL["mysql"]
    look = sql.stored

    def stored(self: Any, uses: Any) -> Any:
        known = look(self, uses)
        record(user, "1.3056", key="b")
        return known

    monkeypatch.setattr(sql, "stored", stored)
    assert many(uses(user, "a", "b", "c")) == (1, 2)
    assert LineItem.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_many_who_record_the_same_uses_at_once_charge_each_once(user: User) -> None:
    keys = [f"job:{number}" for number in range(300)]

    def run(number: int) -> Any:
        own = keys if number % 2 else keys[::-1]
        if number == 3:
            return len({record(user, "1.3056", key=key)[0].pk for key in keys}), 0
        return many(uses(user, *own))

    results = together(4, run)
    assert errors(results) == []
    assert [sum(counted) for counted in results] == [300] * 4
    assert LineItem.objects.count() == 300


def test_what_the_database_refuses_for_another_reason_is_raised_and_nothing_stored(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deleted_meanwhile() -> None:
        with transaction.atomic():
            many(uses(user, "a"))
            connection.check_constraints()

    monkeypatch.setattr(
        recording_many.Recorder, "_known_user", lambda self, asked: -1, raising=True
    )
    with pytest.raises(IntegrityError):
        deleted_meanwhile()
    assert not LineItem.objects.exists()
