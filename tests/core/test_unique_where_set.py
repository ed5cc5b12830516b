"""What exists once where it is set, on each database: MariaDB has no partial indexes."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from payments_ui.core.models import LineItem
from payments_ui.core.rules import BOOKS
from payments_ui.core.rules.unique import UniqueWhereSet

ONCE = [
    (table.table, rule.constraint)
    for table in BOOKS
    for rule in table.rules
    if isinstance(rule.constraint, UniqueWhereSet)
]


@pytest.mark.django_db
@pytest.mark.parametrize(("table", "once"), ONCE, ids=[once.name for _table, once in ONCE])
def test_the_database_has_it(table: str, once: UniqueWhereSet) -> None:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)[once.name]
    assert found["unique"]
    assert len(found["columns"]) == len(once.fields)


@pytest.mark.django_db
def test_a_key_is_refused_twice_and_none_never(user: User) -> None:
    row: dict[str, Any] = {"user": user, "title": "Use", "amount": "1", "currency": "CHF"}
    for key in (None, None, "one"):
        LineItem.objects.bulk_create([LineItem(**row, key=key)])
    with pytest.raises(IntegrityError), transaction.atomic():
        LineItem.objects.bulk_create([LineItem(**row, key="one")])


@pytest.mark.django_db
def test_no_check_says_that_a_constraint_or_a_condition_is_left_out() -> None:
    assert ONCE
    found = {each.id for each in run_checks(databases=["default"])}
    assert found.isdisjoint({"models.W036", "models.W037"})


@pytest.mark.django_db(transaction=True)
def test_it_is_removed_and_added_again() -> None:
    (once,) = (each for table, each in ONCE if table == LineItem._meta.db_table)
    with connection.schema_editor() as editor:
        editor.remove_constraint(LineItem, once)
    with connection.cursor() as cursor:
        left = connection.introspection.get_constraints(cursor, LineItem._meta.db_table)
    assert once.name not in left
    with connection.schema_editor() as editor:
        editor.add_constraint(LineItem, once)


@pytest.mark.django_db
def test_a_form_names_what_is_there_already(user: User) -> None:
    item = LineItem.objects.record(user=user, title="Use", amount="1", key="one")
    again = LineItem(user=user, title="Use", amount="1", currency="CHF", key=item.key)
    with pytest.raises(ValidationError) as refused:
        again.validate_constraints()
    plain = again.unique_error_message(LineItem, ("user", "key"))
    assert refused.value.messages == plain.messages
