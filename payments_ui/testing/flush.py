"""For test suites that empty the tables after a test, which the triggers of the books refuse.

Django's `TransactionTestCase` empties them, and so do `django_db(transaction=True)`,
`transactional_db` and `live_server` of pytest-django; by `DELETE` on SQLite, MariaDB and MySQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from django.db import connections
from django.test import TransactionTestCase

from payments_ui.core import triggers


class FlushesBooks:
    """Mix into a `TransactionTestCase`, before it: its flush may delete rows of the books."""

    def _fixture_teardown(self) -> None:
        with _deletable(self):
            super()._fixture_teardown()  # type: ignore[misc]


@contextmanager
def flushes_books() -> Iterator[None]:
    """Let the flush of every `TransactionTestCase` delete rows of the books within the block.

    The tests of pytest-django are such cases, too.
    """
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def teardown(case: TransactionTestCase) -> None:
        with _deletable(case):
            flush(case)

    with patch.object(TransactionTestCase, "_fixture_teardown", teardown):
        yield


@contextmanager
def _deletable(case: object) -> Iterator[None]:
    databases = case._databases_names(include_mirrors=False)  # type: ignore[attr-defined]
    with ExitStack() as stack:
        for using in databases:
            # PostgreSQL truncates, which fires no trigger for rows.
            if connections[using].vendor != "postgresql":  # pragma: no branch - runs there, too
                stack.enter_context(triggers.disabled(using, events=("DELETE",)))
        yield
