"""A site that kept its books with django-user-payments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from tests.importing.ancestor import Ancestor, installed

Import = Callable[..., str]


@pytest.fixture(scope="module")
def _tables(django_db_setup: None, django_db_blocker: Any) -> Iterator[Ancestor]:
    with django_db_blocker.unblock(), installed() as ancestor:
        yield ancestor


@pytest.fixture
def ancestor(db: None, _tables: Ancestor) -> Iterator[Ancestor]:
    """Return the old tables, empty."""
    yield _tables
    _tables.clear()


@pytest.fixture
def move_in(db: None) -> Import:
    """Return the command; it fails where the audit finds something."""

    def run(*args: str, **options: Any) -> str:
        out = StringIO()
        call_command("import_user_payments", *args, stdout=out, no_color=True, **options)
        return out.getvalue()

    return run
