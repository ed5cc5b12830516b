"""Suites that empty the tables after a test can do so in spite of the triggers."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.test import TransactionTestCase

from payments_ui.core import triggers
from payments_ui.core.models import JournalEntry
from payments_ui.testing.flush import FlushesBooks, flushes_books
from tests import emptying
from tests.core.support import bare, pending

pytestmark = pytest.mark.django_db(transaction=True)


class Flushing:
    """What TransactionTestCase does, where it deletes."""

    def _databases_names(self, *, include_mirrors: bool) -> list[str]:
        return ["default"]

    def _fixture_teardown(self) -> None:
        bare(JournalEntry)._raw_delete("default")


class FlushingBooks(FlushesBooks, Flushing):
    pass


@pytest.fixture
def _deletes() -> None:
    # PostgreSQL's flush truncates, and so the helper disables no trigger there.
    if connection.vendor == "postgresql":
        pytest.skip("a flush truncates here")


@pytest.mark.usefixtures("_deletes")
def test_a_flush_that_deletes_is_refused_without_help(user: User) -> None:
    pending(user, "5")
    with pytest.raises(IntegrityError):
        Flushing()._fixture_teardown()
    FlushingBooks()._fixture_teardown()
    assert not JournalEntry.objects.exists()
    assert triggers.installed(connection) == triggers.expected(connection)


def test_djangos_own_flush_empties_the_books(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TransactionTestCase, "_fixture_teardown", emptying.FLUSH)
    pending(user, "5")
    with flushes_books():
        case: Any = TransactionTestCase()
        case._fixture_teardown()
    assert not JournalEntry.objects.exists()
    assert triggers.installed(connection) == triggers.expected(connection)


def test_every_test_case_is_helped_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    lifted: list[frozenset[str]] = []

    def teardown(case: Any) -> None:
        lifted.append(triggers.expected(connection) - triggers.installed(connection))

    monkeypatch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
    case: Any = TransactionTestCase()
    with flushes_books():
        case._fixture_teardown()
    case._fixture_teardown()
    assert [bool(names) for names in lifted] == [connection.vendor != "postgresql", False]
