"""Seals come with migrate, are put back, can be left out, and can be asked for."""

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
from payments_ui.core.triggers import upkeep
from payments_ui.core.triggers.sql import Seal
from tests.core.support import pending, record

WITHOUT = override_settings(PAYMENTS_UI={"TRIGGERS": False})


@pytest.fixture
def _unsealed(transactional_db: None) -> Iterator[None]:
    triggers.remove(connection)
    yield
    triggers.install(connection)


def every() -> frozenset[str]:
    return triggers.expected(connection)


def sealed() -> frozenset[str]:
    return triggers.installed(connection)


def migrated() -> None:
    upkeep.after_migrations(using="default")


def found() -> list[str | None]:
    return [message.id for message in run_checks(databases=["default"], tags=["database"])]


def output(*args: str) -> str:
    out = StringIO()
    call_command("install_triggers", *args, stdout=out)
    return out.getvalue()


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the database refuse to make triggers."""

    def put_on(connection: Any, names: Any) -> None:
        raise OperationalError(number, "You do not have the SUPER privilege")

    monkeypatch.setattr(triggers, "_put_on", put_on)


def test_migrate_has_put_on_every_seal(db: None) -> None:
    assert every()
    assert sealed() == every()
    assert found() == []


@pytest.mark.usefixtures("_unsealed")
def test_what_is_missing_is_reported_and_put_back_by_migrate() -> None:
    assert found() == ["payments_ui.W050"]
    call_command("migrate", verbosity=0)
    assert sealed() == every()


@pytest.mark.usefixtures("_unsealed")
def test_a_seal_of_an_older_version_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    older = [_older(seal) for seal in triggers._seals(connection)]
    with monkeypatch.context() as patch:
        patch.setattr(triggers, "_seals", lambda connection: older)
        assert triggers.install(connection) == every()
        assert sealed() == every()
    assert sealed() == frozenset()
    assert triggers.install(connection) == every()
    assert triggers.install(connection) == frozenset()


def _older(seal: Seal) -> Seal:
    create = [sql.replace(seal.stamp, "/* older */") for sql in seal.create]
    return seal._replace(stamp="/* older */", create=create)


@pytest.mark.usefixtures("_unsealed")
def test_the_setting_leaves_them_out() -> None:
    with WITHOUT:
        migrated()
        assert sealed() == frozenset()
        assert found() == []


def test_seals_that_nobody_renews_are_reported(db: None) -> None:
    with WITHOUT:
        migrated()
        assert sealed() == every()
        assert found() == ["payments_ui.I051"]


@pytest.mark.usefixtures("_unsealed")
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


@pytest.mark.usefixtures("_unsealed")
def test_any_other_failure_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        refuse(patch, 2006)
        with pytest.raises(OperationalError):
            migrated()


@pytest.mark.usefixtures("_unsealed")
def test_the_command_puts_on_tells_and_takes_off() -> None:
    none, some = (f"{number} of {len(every())} seals are on." for number in (0, len(every())))
    assert none in output("--status")
    assert some in output()
    assert "on  payments_seal_payment_update" in output("--status")
    assert none in output("--remove")


def test_a_database_without_the_tables_has_no_seals(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = SimpleNamespace(allow_migrate=lambda *args, **hints: False)
    monkeypatch.setattr(upkeep, "router", router)
    migrated()
    assert found() == []
    with pytest.raises(CommandError, match="migrate"):
        output()


def test_a_site_whose_tests_skip_migrations_has_seals(db: None, settings: Any) -> None:
    settings.MIGRATION_MODULES = {"payments_core": None}
    assert upkeep.belong("default")


def test_the_check_names_the_database_that_is_not_the_default() -> None:
    assert upkeep._option("default") == ""
    assert upkeep._option("books") == " --database books"


@pytest.mark.django_db(transaction=True)
def test_migrating_back_takes_them_off_and_forward_puts_them_on() -> None:
    call_command("migrate", "payments_core", "zero", verbosity=0)
    assert "payments_core_payment" not in connection.introspection.table_names()
    assert sealed() == frozenset()
    call_command("migrate", "payments_core", verbosity=0)
    assert sealed() == every()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("label", ["payments_core", "auth"])
def test_sqlite_changes_our_tables_without_triggers(label: str) -> None:
    plan = [(SimpleNamespace(app_label=label), False)]
    upkeep.before_migrations(using="default", plan=plan)
    lifted = connection.vendor == "sqlite" and label == "payments_core"
    assert sealed() == (frozenset() if lifted else every())
    migrated()
    assert sealed() == every()


def test_lifted_in_a_transaction_they_are_back_after_it(user: User) -> None:
    if not connection.features.can_rollback_ddl:
        pytest.skip("making triggers ends a transaction here")
    pending(user, "5")
    with triggers.lifted(events=["DELETE"]):
        assert {name for name in every() - sealed() if not name.endswith("_delete")} == set()
        assert sealed() < every()
        record(user, "5")
    assert sealed() == every()
    with pytest.raises(ZeroDivisionError), triggers.lifted():
        assert 1 / 0
    assert sealed() == every()


def test_where_making_triggers_ends_a_transaction_they_are_not_lifted_in_one(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection.features, "can_rollback_ddl", False)
    with pytest.raises(transaction.TransactionManagementError), triggers.lifted():
        pass


@pytest.mark.usefixtures("_unsealed")
def test_lifting_puts_back_only_what_was_there() -> None:
    with triggers.lifted():
        pass
    assert sealed() == frozenset()


def test_a_database_of_another_kind_has_none() -> None:
    other: Any = SimpleNamespace(vendor="oracle")
    assert triggers.expected(other) == triggers.installed(other) == frozenset()


@pytest.mark.parametrize("mariadb", [True, False])
@pytest.mark.parametrize("vendor", ["sqlite", "mysql", "postgresql"])
def test_every_kind_has_the_same_seals(vendor: str, mariadb: bool) -> None:
    other: Any = SimpleNamespace(vendor=vendor, mysql_is_mariadb=mariadb)
    by_statement = {"payments_seal_lineitem_updates"}
    assert triggers.expected(other) - by_statement == every() - by_statement
