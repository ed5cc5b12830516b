from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from payments_ui.testing.psp.ledger.store import Store


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


def test_an_older_ledger_learns_to_refund(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger")
    with closing(sqlite3.connect(path)) as old:
        old.executescript("""
            CREATE TABLE facts (name TEXT PRIMARY KEY, value REAL NOT NULL);
            CREATE TABLE refunds (id TEXT PRIMARY KEY, charge_id TEXT, reason TEXT);
            CREATE TABLE deliveries (
                id INTEGER PRIMARY KEY, event_id TEXT, url TEXT, due_at REAL, tries INTEGER,
                state TEXT NOT NULL DEFAULT 'waiting', answer TEXT);
            INSERT INTO facts VALUES ('a', 1);
        """)
    for _time in range(2):
        store = Store(path)
        assert names(store) == ["a"]
        assert store.rows("SELECT charge, reference, conduct FROM refunds") == []
        assert store.rows("SELECT batch, place FROM deliveries") == []
        store.close()
