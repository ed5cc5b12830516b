"""Isolation levels: locks show the latest, or the verbs refuse."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import connection

from payments_ui.core.db import isolation
from payments_ui.core.models import Payment
from payments_ui.exceptions import IsolationLevelError
from tests.core.support import pending, record


class Server:
    """Stands for a connection to MariaDB at this level, set by Django or by the server."""

    vendor = "mysql"

    def __init__(self, by_django: str | None, by_server: str = "") -> None:
        self.isolation_level = by_django
        self._by_server = by_server

    def ensure_connection(self) -> None:
        pass

    def cursor(self) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        pass

    def fetchone(self) -> tuple[str, str]:
        return ("tx_isolation", self._by_server)


@pytest.mark.parametrize(
    ("server", "unserved"),
    [
        (Server("read committed"), ""),
        (Server("serializable"), ""),
        (Server("repeatable read"), "repeatable read"),
        (Server("read uncommitted"), "read uncommitted"),
        (Server(None, "REPEATABLE-READ"), "repeatable read"),
        (Server(None, "READ-COMMITTED"), ""),
    ],
)
def test_a_server_that_reads_old_rows_after_a_lock_is_not_served(
    server: Any, unserved: str
) -> None:
    assert isolation.unserved_level(server) == unserved
    assert isolation.unserved_level(server) == unserved


def test_the_database_under_test_is_served(db: None) -> None:
    assert isolation.unserved_level(connection) == ""


def test_verbs_refuse_and_the_check_says_so(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = pending(user, "5")
    record(user, "1")
    with monkeypatch.context() as patch:
        patch.setattr(isolation, "connections", {"default": Server("repeatable read")})
        patch.setattr("payments_ui.core.checks.connections", {"default": Server("repeatable read")})
        with pytest.raises(IsolationLevelError, match="read committed"):
            Payment.objects.create_pending(user=user)
        with pytest.raises(IsolationLevelError):
            payment.start_attempt(moocher="cards")
        with pytest.raises(IsolationLevelError):
            payment.cancel_pending()
        found = run_checks(databases=["default"], tags=["database"])
        assert "payments_ui.E006" in [message.id for message in found]
    assert Payment.objects.create_pending(user=user)
