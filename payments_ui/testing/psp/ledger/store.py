"""Where the ledger is stored: an SQLite file, or memory, behind a lock."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from typing import Any

# Money is counted in integer minor units.
SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value REAL NOT NULL);
CREATE TABLE IF NOT EXISTS charges (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, live INTEGER NOT NULL, reference TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency TEXT NOT NULL, method TEXT NOT NULL,
    card TEXT NOT NULL, status TEXT NOT NULL, decline_code TEXT NOT NULL,
    description TEXT NOT NULL, metadata TEXT NOT NULL, return_url TEXT NOT NULL,
    webhook_url TEXT NOT NULL, page_token TEXT NOT NULL UNIQUE, conduct TEXT NOT NULL,
    created_at REAL NOT NULL, updated_at REAL NOT NULL, due_at REAL,
    face TEXT NOT NULL DEFAULT 'sandbox', known_as TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS charges_known_as ON charges (known_as) WHERE known_as != '';
CREATE INDEX IF NOT EXISTS charges_reference ON charges (reference);
CREATE INDEX IF NOT EXISTS charges_due ON charges (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY, charge TEXT NOT NULL REFERENCES charges (id), account TEXT NOT NULL,
    live INTEGER NOT NULL, reference TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL, status TEXT NOT NULL, failure_code TEXT NOT NULL,
    metadata TEXT NOT NULL, webhook_url TEXT NOT NULL, conduct TEXT NOT NULL,
    created_at REAL NOT NULL, updated_at REAL NOT NULL, due_at REAL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS refunds_charge ON refunds (charge);
CREATE INDEX IF NOT EXISTS refunds_reference ON refunds (reference);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS disputes (
    id TEXT PRIMARY KEY, charge TEXT NOT NULL REFERENCES charges (id), amount INTEGER NOT NULL,
    currency TEXT NOT NULL, reason TEXT NOT NULL, status TEXT NOT NULL,
    withdrawn INTEGER NOT NULL, reinstated INTEGER NOT NULL,
    created_at REAL NOT NULL, updated_at REAL NOT NULL, due_at REAL,
    CHECK (0 < amount AND 0 <= reinstated AND reinstated <= withdrawn AND withdrawn <= amount)
);
CREATE INDEX IF NOT EXISTS disputes_charge ON disputes (charge);
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS documents_kind ON documents (kind, number);
CREATE TABLE IF NOT EXISTS closed_references (reference TEXT PRIMARY KEY, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS closed_refunds (reference TEXT PRIMARY KEY, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER, body TEXT,
    created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, face TEXT NOT NULL,
    charge_id TEXT REFERENCES charges (id), type TEXT NOT NULL, body TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, event_id TEXT NOT NULL REFERENCES events (id), url TEXT NOT NULL,
    due_at REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting', answer TEXT NOT NULL DEFAULT '',
    batch TEXT NOT NULL DEFAULT '', place INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due_at);
"""

# For ledgers of before: webhooks are forgotten, money is not.
VERSION = 3
UPGRADE = """
DROP TABLE deliveries;
DROP TABLE events;
ALTER TABLE charges ADD COLUMN face TEXT NOT NULL DEFAULT 'sandbox';
ALTER TABLE charges ADD COLUMN known_as TEXT NOT NULL DEFAULT '';
ALTER TABLE refunds ADD COLUMN reason TEXT NOT NULL DEFAULT '';
"""

# For what a PSP was doing when it was stopped: it forgets requests without an answer, since the
# client got no answer, and sends webhooks again that were on their way.
RECOVERY = """
DELETE FROM answers WHERE status IS NULL;
UPDATE deliveries SET state = 'waiting' WHERE state = 'sending';
"""

Row = dict[str, Any]


class Store:
    """Rows in SQLite. Threads that share it take turns."""

    def __init__(self, path: str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA foreign_keys = ON")
        old = self.row("SELECT 1 FROM sqlite_master WHERE name = 'refunds'")
        if old and self.row("PRAGMA user_version") != {"user_version": VERSION}:
            self._db.executescript(UPGRADE)
        self._db.executescript(f"{SCHEMA}{RECOVERY} PRAGMA user_version = {VERSION};")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all changes of the block, or no change; inside another transaction, join it."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, sql: str, *values: object) -> list[Row]:
        """Return the rows that a query selects."""
        with self._lock:
            return [dict(row) for row in self._db.execute(sql, values)]

    def row(self, sql: str, *values: object) -> Row | None:
        """Return the first row that a query selects, or None."""
        return next(iter(self.rows(sql, *values)), None)

    def change(self, sql: str, *values: object) -> int:
        """Run a statement and return the number of rows that it changed."""
        with self._lock:
            return self._db.execute(sql, values).rowcount

    def insert(self, table: str, row: Row) -> None:
        """Add a row. Names of tables and columns are constants of this package."""
        sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks(row)})"  # noqa: S608
        self.change(sql, *row.values())

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()


def marks(values: Sized) -> str:
    """Return the placeholders of an SQL list."""
    return ", ".join("?" * len(values))
