"""The database refuses what no code may do to the books, even where ours is wrong."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from payments_ui.core import triggers
from payments_ui.core.db.constraint_errors import typed
from tests.conftest import UserFactory
from tests.core.triggers.catalogue import CATALOGUE


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_database_refuses(name: str, user: User, make_user: UserFactory) -> None:
    hostile = CATALOGUE[name]
    write = hostile.prepare(user, make_user())
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        write()
    assert type(typed(refused.value)) is hostile.error


@pytest.mark.django_db(transaction=True)
def test_without_seals_nearly_all_of_it_passes(user: User, make_user: UserFactory) -> None:
    other = make_user()
    with triggers.disabled():
        for hostile in CATALOGUE.values():
            if hostile.sealed:
                with transaction.atomic():
                    hostile.prepare(user, other)()
                    # PostgreSQL and SQLite look at foreign keys only at the end.
                    transaction.set_rollback(True)
    assert triggers.installed(connection) == triggers.expected(connection)
