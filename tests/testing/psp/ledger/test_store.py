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


def test_an_older_ledger_keeps_its_money(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger")
    Store(path).close()
    with closing(sqlite3.connect(path)) as old:
        old.executescript("""
            DROP TABLE deliveries; DROP TABLE events; DROP INDEX charges_known_as;
            CREATE TABLE events (id TEXT PRIMARY KEY, charge_id TEXT NOT NULL);
            CREATE TABLE deliveries (id INTEGER PRIMARY KEY, event_id TEXT);
            ALTER TABLE charges DROP COLUMN face;
            ALTER TABLE charges DROP COLUMN known_as;
            ALTER TABLE refunds DROP COLUMN reason;
            INSERT INTO facts VALUES ('a', 1);
            PRAGMA user_version = 2;
        """)
    for _time in range(2):
        store = Store(path)
        assert names(store) == ["a"]
        assert store.rows("SELECT face, known_as FROM charges") == []
        assert store.rows("SELECT face FROM events") == []
        store.close()
