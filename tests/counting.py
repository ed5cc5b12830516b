"""Counting what is asked of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext


@contextmanager
def reads(expected: int) -> Iterator[None]:
    """Fail unless so many statements run. Savepoints, which some sites ask for, read nothing."""
    with CaptureQueriesContext(connection) as queries:
        yield
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) == expected, statements


@contextmanager
def statements(expected: int) -> Iterator[None]:
    """Fail unless so many statements run, the begin and end of transactions left out."""
    with CaptureQueriesContext(connection) as queries:
        yield
    sent = [query["sql"] for query in queries]
    sent = [sql for sql in sent if sql not in ("BEGIN", "COMMIT") and "SAVEPOINT" not in sql]
    assert len(sent) == expected, sent
