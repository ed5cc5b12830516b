"""For test suites that empty the tables after a test, which the books' seals refuse.

Django's ``TransactionTestCase`` does, and pytest-django's ``django_db(transaction=True)``,
``transactional_db`` and ``live_server``; by ``DELETE`` on SQLite, MariaDB and MySQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from django.db import connections
from django.test import TransactionTestCase

from payments_ui.core import triggers


@contextmanager
def deletable(databases: Iterable[str]) -> Iterator[None]:
    """Let rows of the books be deleted in these databases while it lasts."""
    with ExitStack() as stack:
        # PostgreSQL truncates, which asks no seal.
        for using in (name for name in databases if connections[name].vendor != "postgresql"):
            stack.enter_context(triggers.lifted(using, events=("DELETE",)))
        yield


class FlushesBooks:
    """Mix into a ``TransactionTestCase``, before it: its flush may delete rows of the books."""

    def _fixture_teardown(self) -> None:
        case: Any = self
        with deletable(case._databases_names(include_mirrors=False)):
            super()._fixture_teardown()  # type: ignore[misc]


@contextmanager
def flushes_books() -> Iterator[None]:
    """The same for every ``TransactionTestCase`` while it lasts; pytest-django's are of those."""
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def teardown(case: Any) -> None:
        with deletable(case._databases_names(include_mirrors=False)):
            flush(case)

    with patch.object(TransactionTestCase, "_fixture_teardown", teardown):
        yield
