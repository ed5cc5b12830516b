"""A database server of a scenario's own, from the installed programs, to be killed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import Any, ClassVar

from django.db import DatabaseError, connection

from tests.ports import free_port

PATIENCE = 60.0


class Server(ABC):
    """In a directory that is gone afterwards; for whoever runs this, or its own user for root."""

    account: ClassVar[str]
    program: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if os.getuid() == 0:
            owner = pwd.getpwnam(self.account)
            os.chown(folder, owner.pw_uid, owner.pw_gid)

    @abstractmethod
    def initialise(self) -> None: ...

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def settings(self) -> dict[str, Any]: ...

    def start(self) -> None:
        log = (self.folder.parent / "server.log").open("ab")
        with log:
            self._process = subprocess.Popen(  # noqa: S603
                self.command(), stdout=log, stderr=log, start_new_session=True, **self._as()
            )

    def crash(self) -> None:
        """SIGKILL to the server and all it has started."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)

    def run(self, *words: str) -> None:
        subprocess.run(words, check=True, capture_output=True, **self._as())  # noqa: S603

    def _as(self) -> dict[str, Any]:
        environment = {**os.environ, "HOME": str(self.folder), "LC_ALL": "C"}
        root = {"user": self.account, "group": self.account} if os.getuid() == 0 else {}
        return {"cwd": self.folder, "env": environment, **root}


class Postgres(Server):
    account, program = "postgres", "postgres"

    def initialise(self) -> None:
        self.run(found("initdb"), "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def command(self) -> list[str]:
        where = ["-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1"]
        return [found("postgres"), "-D", self._data, *where]

    def settings(self) -> dict[str, Any]:
        return {"NAME": "postgres", "USER": "postgres", "PASSWORD": "", "PORT": str(self.port)}


class MariaDB(Server):
    account, program = "mysql", "mariadbd"

    def initialise(self) -> None:
        root = "--auth-root-authentication-method=normal"
        self.run(found("mariadb-install-db"), "--no-defaults", f"--datadir={self._data}", root)
        (self.folder / "start.sql").write_text("CREATE DATABASE IF NOT EXISTS torture;\n")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def command(self) -> list[str]:
        here = [f"--port={self.port}", f"--socket={self.folder / 'socket'}"]
        there = ["--bind-address=127.0.0.1", f"--init-file={self.folder / 'start.sql'}"]
        return [found("mariadbd"), "--no-defaults", f"--datadir={self._data}", *here, *there]

    def settings(self) -> dict[str, Any]:
        return {"NAME": "torture", "USER": "root", "PASSWORD": "", "PORT": str(self.port)}


def found(program: str) -> str:
    """Where it is; Debian keeps PostgreSQL's out of the path."""
    path = shutil.which(program)
    return path or next(iter(sorted(glob(f"/usr/lib/postgresql/*/bin/{program}"))), program)


@contextmanager
def private_server() -> Iterator[Server]:
    """A server of the kind under test, which is the default database within the block."""
    kind = Postgres if connection.vendor == "postgresql" else MariaDB
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "server"
        folder.mkdir()
        server = kind(folder)
        server.initialise()
        server.start()
        try:
            with instead(server.settings()):
                answering()
                yield server
        finally:
            server.crash()


@contextmanager
def instead(settings: dict[str, Any]) -> Iterator[None]:
    """Use another database as the default one."""
    connection.close()
    before = dict(connection.settings_dict)
    connection.settings_dict.update(settings)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def answering() -> None:
    """Wait until the database does."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection.close()
            connection.ensure_connection()
        except DatabaseError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
