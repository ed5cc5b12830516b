"""The key of a use: it is charged once, whoever records it, how often and how many at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.db.models.signals import post_save, pre_save

from payments_ui.core.db.locks import retrying
from payments_ui.core.lineitems import recording
from payments_ui.core.models import LineItem
from payments_ui.exceptions import KeyConflictError
from tests.conftest import UserFactory
from tests.core.support import errors, pending, record, together

pytestmark = pytest.mark.django_db


def test_the_same_user_and_key_is_charged_once(user: User, make_user: UserFactory) -> None:
    first = LineItem.objects.record(user=user, title="Job", amount="1.50", key="job:7")
    again = LineItem.objects.record(user=user, title="Job, again", amount="1.5", key=" job:7 ")
    assert (again.pk, again.title) == (first.pk, "Job")
    assert record(make_user(), "1.50", key="job:7")[0].pk != first.pk
    assert len(record(user, "1", "1")) == 2


@pytest.mark.parametrize("other", [{"amount": "2"}, {"amount": "1", "currency": "EUR"}])
def test_the_same_key_with_another_amount_is_an_error_that_says_so(
    user: User, other: dict[str, Any]
) -> None:
    LineItem.objects.record(user=user, title="Job", amount="1", key="job:7")
    with pytest.raises(KeyConflictError, match="job:7"):
        LineItem.objects.record(user=user, title="Job", key="job:7", **other)
    assert LineItem.objects.count() == 1


def test_a_repeated_key_does_not_end_the_callers_transaction(user: User) -> None:
    with transaction.atomic():
        record(user, "1", key="job:7")
        record(user, "1", key="job:7")
        record(user, "2")
    assert LineItem.objects.count() == 2


def test_recording_is_one_statement_and_a_second_one_where_the_key_is_known(
    user: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        (first,) = record(user, "1.50", key="job:7")
    with django_assert_num_queries(2):
        (again,) = record(user, "1.5", key="job:7")
    assert again == first
    with django_assert_num_queries(1):
        record(user, "1.50")


def test_what_is_given_back_for_a_known_key_is_the_item_as_it_is_stored(user: User) -> None:
    made = record(user, "1.3056", key="job:7")[0]
    stored = LineItem.objects.get()
    (again,) = record(user, "1.3056", key="job:7")
    names = [field.attname for field in LineItem._meta.concrete_fields]
    for item in (made, again):
        assert [getattr(item, name) for name in names] == [getattr(stored, name) for name in names]
        assert (item._state.adding, item._state.db) == (False, "default")
    again.title = "Other"
    again.save()
    assert LineItem.objects.get().title == "Other"


@pytest.mark.parametrize(
    "key", ["job:7 ", "JOB:7", "job:\u0667", "jo\u0308b", "j\u00f6b", "100%s", "'\"`"]
)
def test_keys_are_compared_byte_by_byte(user: User, key: str) -> None:
    first = record(user, "1", key="job:7")[0]
    other = record(user, "1", key=key)[0]
    assert (other == first) == (key.strip() == "job:7")
    assert record(user, "1", key=key) == [other]


def test_a_key_that_reads_like_an_error_of_the_database_is_a_key(user: User) -> None:
    for key in (
        "payments_lineitem_bound",
        "x' for key 'payments_item_newest'",
        "payments_item_once",
    ):
        assert record(user, "1", key=key) == record(user, "1", key=key)


def test_a_key_whose_item_went_just_then_is_an_error(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "insert_once", lambda item, using: False)
    with pytest.raises(KeyConflictError, match="just now"):
        record(user, "5", key="render:1")


def test_a_user_who_is_gone_or_not_stored_yet_is_an_error(make_user: UserFactory) -> None:
    gone = make_user()
    User.objects.filter(pk=gone.pk).delete()

    def use() -> None:
        record(gone, "1", key="job:7")
        # PostgreSQL and SQLite look at the end of the transaction.
        transaction.get_connection().check_constraints()

    with pytest.raises(IntegrityError), transaction.atomic():
        use()
    with pytest.raises(ValueError, match="not stored"):
        record(User(username="new"), "1")


def test_the_use_of_a_bound_item_is_known(user: User) -> None:
    (item,) = record(user, "5", key="job:7")
    payment = pending(user)
    assert record(user, "5", key="job:7") == [item]
    assert payment.lineitems.get() == item


@pytest.fixture
def told() -> Iterator[list[tuple[str, Any]]]:
    """Return what receivers were told; each of them writes into the database."""
    heard: list[tuple[str, Any]] = []

    def before(instance: LineItem, **kwargs: Any) -> None:
        Group.objects.create(name=f"before {len(heard)}")
        heard.append(("before", instance.pk))

    def after(instance: LineItem, created: bool, **kwargs: Any) -> None:
        assert created
        heard.append(("after", instance.pk))

    pre_save.connect(before, sender=LineItem)
    post_save.connect(after, sender=LineItem)
    yield heard
    pre_save.disconnect(before, sender=LineItem)
    post_save.disconnect(after, sender=LineItem)


def test_receivers_are_told_of_a_new_item_as_by_save(
    user: User, told: list[tuple[str, Any]]
) -> None:
    (keyed,), (plain,) = record(user, "1", key="job:7"), record(user, "1")
    assert told == [("before", None), ("after", keyed.pk), ("before", None), ("after", plain.pk)]


def test_of_a_known_key_nothing_stays_that_receivers_wrote(
    user: User, told: list[tuple[str, Any]]
) -> None:
    with transaction.atomic():
        record(user, "1", key="job:7")
        record(user, "1", key="job:7")
        record(user, "2")
    assert [name for name, _pk in told] == ["before", "after", "before", "before", "after"]
    assert list(Group.objects.order_by("pk").values_list("name", flat=True)) == [
        "before 0",
        "before 3",
    ]


@pytest.mark.django_db(transaction=True)
def test_one_use_recorded_by_many_processes_at_once_is_charged_once(user: User) -> None:
    def use(number: int) -> Any:
        return [
            LineItem.objects.record(user=user, title="Job", amount="1", key=f"job:{job}").pk
            for job in range(5)
        ]

    results = together(8, use)
    assert errors(results) == []
    assert len({tuple(keys) for keys in results}) == 1
    assert LineItem.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_who_records_a_use_waits_for_another_who_has_not_committed_it(user: User) -> None:
    @retrying  # MariaDB takes the gap beside the key, too, and ends one transaction of two
    def use(number: int) -> Any:
        with transaction.atomic():
            (item,) = record(user, "1", key="job:7")
            record(user, "2")
        return item.pk

    for _round in range(3):
        LineItem.objects.all().delete()
        results = together(4, use)
        assert errors(results) == []
        assert len(set(results)) == 1
        assert LineItem.objects.filter(key="job:7").count() == 1
        assert LineItem.objects.filter(key=None).count() == 4
