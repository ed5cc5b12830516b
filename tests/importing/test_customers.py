"""Customers of Stripe, whom the ancestor's optional app has."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import connection
from django.db.migrations.state import ProjectState

from payments_ui.core.models import Customer, PaymentMethod
from payments_ui.importing.source import SourceCustomer
from tests.conftest import UserFactory
from tests.importing.ancestor import NO_USER, Ancestor, unchecked
from tests.importing.conftest import Import

# MariaDB commits when it is told where to go on counting.
pytestmark = pytest.mark.django_db(transaction=connection.vendor == "mysql")


@pytest.fixture(scope="module")
def _table(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    name = "user_payments.stripe_customers.migrations.0001_initial"
    migration = importlib.import_module(name).Migration("0001_initial", "stripe_customers")
    before = ProjectState.from_apps(apps)
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            state = migration.apply(before.clone(), editor)
        yield state.apps.get_model("stripe_customers", "Customer").objects
        with connection.schema_editor() as editor:
            migration.unapply(before.clone(), editor)


@pytest.fixture
def old(ancestor: Ancestor, _table: Any) -> Iterator[Any]:
    """Return the old table, empty."""
    yield _table
    _table.all().delete()


def add(old: Any, user: User | int, customer_id: str, data: str = "") -> None:
    user_id = user if isinstance(user, int) else user.pk
    old.create(user_id=user_id, customer_id=customer_id, customer_data=data)


def test_a_customer_reads_as_stripe_calls_it() -> None:
    assert str(SourceCustomer(customer_id="cus_1")) == "cus_1"


def test_a_customer_of_stripe_is_the_users_from_now_on(
    old: Any, user: User, move_in: Import
) -> None:
    add(old, user, "cus_1", json.dumps({"id": "cus_1", "livemode": True}))
    assert "1 customers of Stripe" in move_in()
    assert not Customer.objects.exists()
    assert "1 customers of Stripe" in move_in("--commit", "--stripe-account", "acct_1")
    found = Customer.objects.for_user(user, psp="stripe", account="acct_1", live=True)
    assert found.customer_id == "cus_1"
    assert not PaymentMethod.objects.exists()


@pytest.mark.parametrize(
    ("data", "live"),
    [
        ('{"livemode": false}', False),
        ('{"livemode": true}', True),
        ("", True),
        ("[]", True),
        ("{", True),
        ('{"id": "cus_1"}', True),
    ],
)
def test_its_mode_is_what_stripe_said(
    old: Any, user: User, move_in: Import, data: str, live: bool
) -> None:
    add(old, user, "cus_1", data)
    move_in("--commit")
    assert Customer.objects.get().live is live


def test_copying_again_changes_nothing(
    old: Any, user: User, make_user: UserFactory, move_in: Import
) -> None:
    add(old, user, "cus_1")
    move_in("--commit")
    add(old, make_user(), "cus_2")
    report = move_in("--commit")
    assert report.count("1 customers of Stripe\n") == 2
    assert Customer.objects.count() == 2


def test_somebody_who_left_is_not_brought_back(old: Any, user: User, move_in: Import) -> None:
    add(old, user, "cus_1")
    move_in("--commit")
    PaymentMethod.objects.remove_all(user)
    move_in("--commit")
    assert not Customer.objects.current().exists()


def test_what_does_not_fit_is_reported(
    old: Any, user: User, make_user: UserFactory, move_in: Import
) -> None:
    known: dict[str, Any] = {"psp": "stripe", "live": True}
    Customer.objects.for_user(user, **known).name("cus_new")
    other = make_user()
    Customer.objects.for_user(make_user(), **known).name("cus_taken")
    add(old, user, "cus_old")
    add(old, other, "cus_taken")
    with unchecked():
        add(old, NO_USER, "cus_nobody")
        report = move_in("--commit")
        assert "2 customers of Stripe that have another user here" in report
        assert "1 customers of Stripe of users who do not exist (cus_nobody)" in report
        old.filter(user_id=NO_USER).delete()
    assert Customer.objects.count() == 2


def test_another_table_of_that_name_is_not_read(old: Any, user: User, move_in: Import) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE stripe_customers_customer RENAME TO elsewhere")
        cursor.execute("CREATE TABLE stripe_customers_customer (id integer)")
    try:
        with pytest.raises(CommandError, match="has no column user_id"):
            move_in()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE stripe_customers_customer")
            cursor.execute("ALTER TABLE elsewhere RENAME TO stripe_customers_customer")
