from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from payments_ui.testing.psp.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


def fact(store: Store, name: str) -> None:
    store.insert("facts", {"name": name, "value": 1.0})


def names(store: Store) -> list[str]:
    return [row["name"] for row in store.rows("SELECT name FROM facts ORDER BY name")]


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def twice() -> None:
        with store.transaction():
            fact(store, "a")
            fact(store, "a")

    with pytest.raises(sqlite3.IntegrityError):
        twice()
    assert names(store) == []


def test_an_inner_transaction_is_part_of_the_outer(store: Store) -> None:
    def nested() -> None:
        with store.transaction():
            with store.transaction():
                fact(store, "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        nested()
    assert names(store) == []


def test_what_is_committed_stays(store: Store) -> None:
    with store.transaction():
        fact(store, "a")
    assert names(store) == ["a"]
