"""Triggers come with migrate, are made again, can be left out, and can be listed."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test import override_settings

from payments_ui.core import triggers
from payments_ui.core.triggers import installation, on_migrate
from payments_ui.core.triggers.compiler import Trigger
from tests.core.support import pending, record

WITHOUT = override_settings(PAYMENTS_UI={"TRIGGERS": False})


@pytest.fixture
def _without_triggers(transactional_db: None) -> Iterator[None]:
    triggers.remove(connection)
    yield
    triggers.install(connection)


def every() -> frozenset[str]:
    return triggers.expected(connection)


def installed() -> frozenset[str]:
    return triggers.installed(connection)


def migrated() -> None:
    on_migrate.after_migrations(using="default")


def found() -> list[str | None]:
    return [message.id for message in run_checks(databases=["default"], tags=["database"])]


def output(*args: str) -> str:
    out = StringIO()
    call_command("install_triggers", *args, stdout=out)
    return out.getvalue()


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the database refuse to make triggers."""

    def create(connection: Any, names: Any) -> None:
        raise OperationalError(number, "You do not have the SUPER privilege")

    monkeypatch.setattr(installation, "_create", create)


def test_migrate_has_installed_every_trigger(db: None) -> None:
    assert every()
    assert installed() == every()
    assert found() == []


@pytest.mark.usefixtures("_without_triggers")
def test_what_is_missing_is_reported_and_made_again_by_migrate() -> None:
    assert found() == ["payments_ui.W050"]
    call_command("migrate", verbosity=0)
    assert installed() == every()


@pytest.mark.usefixtures("_without_triggers")
def test_a_trigger_of_an_older_version_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    older = [_older(trigger) for trigger in installation._triggers(connection)]
    with monkeypatch.context() as patch:
        patch.setattr(installation, "_triggers", lambda connection: older)
        assert triggers.install(connection) == every()
        assert installed() == every()
    assert installed() == frozenset()
    assert triggers.install(connection) == every()
    assert triggers.install(connection) == frozenset()


def _older(trigger: Trigger) -> Trigger:
    create = [sql.replace(trigger.version, "payments_ui_older") for sql in trigger.create]
    return trigger._replace(version="payments_ui_older", create=create)


@pytest.mark.usefixtures("_without_triggers")
def test_the_setting_leaves_them_out() -> None:
    with WITHOUT:
        migrated()
        assert installed() == frozenset()
        assert found() == []


def test_triggers_that_migrate_does_not_renew_are_reported(db: None) -> None:
    with WITHOUT:
        migrated()
        assert installed() == every()
        assert found() == ["payments_ui.I051"]


@pytest.mark.usefixtures("_without_triggers")
@pytest.mark.parametrize("number", [1419, 1142, 1227])
def test_where_the_server_allows_no_triggers_migrate_goes_on_with_a_warning(
    number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        refuse(patch, number)
        migrated()
        assert "install_triggers" in caplog.text
        assert found() == ["payments_ui.W050"]
        with pytest.raises(CommandError, match="log_bin_trust_function_creators"):
            output()


@pytest.mark.usefixtures("_without_triggers")
def test_any_other_failure_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        refuse(patch, 2006)
        with pytest.raises(OperationalError):
            migrated()


@pytest.mark.usefixtures("_without_triggers")
def test_the_command_installs_lists_and_drops() -> None:
    total = len(every())
    none, some = (f"{number} of {total} triggers are installed." for number in (0, total))
    assert none in output("--status")
    assert some in output()
    assert "installed payments_trigger_payment_update" in output("--status")
    assert none in output("--remove")


def test_a_database_without_the_tables_has_no_triggers(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = SimpleNamespace(allow_migrate=lambda *args, **hints: False)
    monkeypatch.setattr(on_migrate, "router", router)
    migrated()
    assert found() == []
    with pytest.raises(CommandError, match="migrate"):
        output()


def test_a_site_whose_tests_skip_migrations_has_triggers(db: None, settings: Any) -> None:
    settings.MIGRATION_MODULES = {"payments_core": None}
    assert on_migrate.has_tables("default")


@pytest.mark.django_db(transaction=True)
def test_migrating_back_drops_them_and_forward_makes_them() -> None:
    call_command("migrate", "payments_core", "zero", verbosity=0)
    assert "payments_core_payment" not in connection.introspection.table_names()
    assert installed() == frozenset()
    call_command("migrate", "payments_core", verbosity=0)
    assert installed() == every()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("label", ["payments_core", "auth"])
def test_sqlite_changes_our_tables_without_triggers(label: str) -> None:
    plan = [(SimpleNamespace(app_label=label), False)]
    on_migrate.before_migrations(using="default", plan=plan)
    dropped = connection.vendor == "sqlite" and label == "payments_core"
    assert installed() == (frozenset() if dropped else every())
    migrated()
    assert installed() == every()


def test_disabled_in_a_transaction_they_are_back_after_it(user: User) -> None:
    if not connection.features.can_rollback_ddl:
        pytest.skip("making triggers ends a transaction here")
    pending(user, "5")
    with triggers.disabled(events=["DELETE"]):
        assert {name for name in every() - installed() if not name.endswith("_delete")} == set()
        assert installed() < every()
        record(user, "5")
    assert installed() == every()
    with pytest.raises(ZeroDivisionError), triggers.disabled():
        assert 1 / 0
    assert installed() == every()


def test_where_making_triggers_ends_a_transaction_they_are_not_disabled_in_one(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection.features, "can_rollback_ddl", False)
    with pytest.raises(transaction.TransactionManagementError), triggers.disabled():
        pass


@pytest.mark.usefixtures("_without_triggers")
def test_disabling_makes_again_only_what_was_installed() -> None:
    with triggers.disabled():
        pass
    assert installed() == frozenset()


def test_a_database_of_another_kind_has_none() -> None:
    other: Any = SimpleNamespace(vendor="oracle")
    assert triggers.expected(other) == triggers.installed(other) == frozenset()
    triggers.remove(other)


@pytest.mark.parametrize("mariadb", [True, False])
@pytest.mark.parametrize("vendor", ["sqlite", "mysql", "postgresql"])
def test_every_kind_has_the_same_triggers(vendor: str, mariadb: bool) -> None:
    other: Any = SimpleNamespace(vendor=vendor, mysql_is_mariadb=mariadb)
    assert shared(triggers.expected(other)) == shared(every())


def shared(names: frozenset[str]) -> set[str]:
    """Leave out PostgreSQL's trigger by statement, and what SQLite has against OR REPLACE."""
    return {name for name in names if not name.endswith(("_updates", "_once"))}
