"""A backup by a database's own tools restores the books: right, and guarded as before."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from django.core.checks import run_checks
from django.db import IntegrityError, connection, transaction

from payments_ui.core import triggers
from payments_ui.core.audit import audit
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.core.triggers import installation
from tests.conftest import UserFactory
from tests.core.support import bare, charged, pending, record, started

pytestmark = pytest.mark.django_db(transaction=True)

#: Dumps the default database and restores it under another name.
Tool = Callable[[str, Path], None]


def _run(*command: str, **options: Any) -> None:
    subprocess.run(command, check=True, capture_output=True, **options)  # noqa: S603


def _server(settings: dict[str, Any]) -> tuple[str, ...]:
    return tuple(f"--{n}={settings[n.upper()]}" for n in ("host", "port"))


def by_mysqldump(name: str, folder: Path) -> None:
    settings = connection.settings_dict
    login = (*_server(settings), f"--user={settings['USER']}")
    dump = folder / "dump.sql"
    _run("mysqldump", *login, f"--result-file={dump}", settings["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    with dump.open() as sql:
        _run("mysql", *login, name, stdin=sql)


def by_pg_dump(name: str, folder: Path) -> None:
    settings = connection.settings_dict
    login = (*_server(settings), f"--username={settings['USER']}")
    env = {**os.environ, "PGPASSWORD": settings["PASSWORD"]}
    dump = folder / "dump.sql"
    _run("pg_dump", *login, f"--file={dump}", settings["NAME"], env=env)
    _run("createdb", *login, name, env=env)
    stop = "--set=ON_ERROR_STOP=1"
    _run("psql", *login, "--quiet", stop, f"--file={dump}", name, env=env)


def by_sqlites_dump(name: str, folder: Path) -> None:
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as source:
        script = "\n".join(source.iterdump())
    with closing(sqlite3.connect(folder / name)) as target:
        target.executescript(script)


def by_sqlites_backup(name: str, folder: Path) -> None:
    with (
        closing(sqlite3.connect(connection.settings_dict["NAME"])) as source,
        closing(sqlite3.connect(folder / name)) as target,
    ):
        source.backup(target)


TOOLS: dict[Tool, tuple[str, tuple[str, ...]]] = {
    by_mysqldump: ("mysql", ("mysqldump", "mysql")),
    by_pg_dump: ("postgresql", ("pg_dump", "createdb", "psql")),
    by_sqlites_dump: ("sqlite", ()),
    by_sqlites_backup: ("sqlite", ()),
}


@contextmanager
def restored(tool: Tool, folder: Path) -> Iterator[None]:
    """Within the block, the default database is what the tool has restored."""
    name = f"restored_{os.getpid()}"
    tool(name, folder)
    connection.close()
    there = str(folder / name) if connection.vendor == "sqlite" else name
    with patch.dict(connection.settings_dict, NAME=there):
        yield
        connection.close()
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)
def test_restored_books_are_right_and_guarded(
    tool: Tool, make_user: UserFactory, tmp_path: Path
) -> None:
    vendor, programs = TOOLS[tool]
    if vendor != connection.vendor:
        pytest.skip(f"dumps {vendor}")
    if missing := [program for program in programs if not shutil.which(program)]:
        pytest.skip(f"{', '.join(missing)} not installed")
    user = make_user()
    charged(user, "10.00", "0.00405")
    started(pending(user, "3"))
    record(user, "4")
    with restored(tool, tmp_path):
        assert triggers.installed(connection) == triggers.expected(connection)
        assert run_checks(databases=["default"], tags=["database"]) == []
        assert [model.objects.count() for model in (LineItem, Attempt)] == [4, 2]
        assert list(audit()) == []
        with pytest.raises(IntegrityError), transaction.atomic():
            bare(Payment).update(amount=Decimal(1))


def test_no_source_of_mysql_ends_the_comment_that_a_dump_wraps_it_in() -> None:
    mysql: Any = SimpleNamespace(vendor="mysql", mysql_is_mariadb=True)
    sources = [sql for trigger in installation._triggers(mysql) for sql in trigger.create]
    assert sources
    assert not [sql for sql in sources if "*/" in sql]
