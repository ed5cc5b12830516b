"""What work costs: processor time on both sides, statements, calls, pages, bytes.

Seconds on the clock say little where others use the processor, too. Processor time says more: that
of this process and of programs it starts, and that of the one process (PostgreSQL) or thread
(MariaDB) that serves our connection, which Linux counts in nanoseconds. Numbers of statements, of
calls of Python functions and of pages that PostgreSQL touched are the same in every run.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bench import database

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the client's processor, of the server's, and on the clock."""

    client: float
    server: float
    wall: float

    @property
    def cpu(self) -> float:
        """Seconds of processor altogether."""
        return self.client + self.server


def cost(work: Work) -> Cost:
    """Do the work once."""
    connection.ensure_connection()
    server = _server_clock()
    served, began, client = server(), time.perf_counter(), _client_clock()
    work()
    client, wall = _client_clock() - client, time.perf_counter() - began
    return Cost(client, max(0.0, server() - served), wall)


def _client_clock() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _server_clock() -> Callable[[], float]:
    """What reads the processor time of whoever serves the connection; zero for SQLite.

    Raises ``RuntimeError`` where the server runs on another machine: its time cannot be seen.
    """
    served_by = _server_task()
    if served_by is None:
        return lambda: 0.0
    schedule, name = (Path(f"/proc/{served_by}/{file}") for file in ("schedstat", "comm"))
    if not schedule.exists() or name.read_text()[:8] not in ("postgres", "mariadbd", "mysqld\n"):
        raise RuntimeError("bench needs a database server on this machine, and Linux")
    return lambda: int(schedule.read_text().split()[0]) / 1e9


def _server_task() -> int | None:
    if connection.vendor == "postgresql":
        return int(connection.connection.info.backend_pid)
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tid FROM information_schema.processlist WHERE id = CONNECTION_ID()"
            )
            return int(cursor.fetchone()[0])
    return None


def statements(work: Work) -> tuple[int, int]:
    """Number of statements that the work sends, and of those that control transactions."""
    with CaptureQueriesContext(connection) as captured:
        work()
    control = sum(query["sql"].startswith(database.TRANSACTION_CONTROL) for query in captured)
    return len(captured) - control, control


def calls(work: Work) -> int:
    """Number of calls of Python functions: what the work asks of us, the database left out."""
    count = 0

    def look(_frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def pages(work: Work) -> int:
    """Number of pages of our tables that PostgreSQL touches; what was done is undone."""
    with transaction.atomic(), connection.cursor() as cursor:
        before = _touched(cursor)
        work()
        touched = _touched(cursor) - before
        transaction.set_rollback(True)
    return touched


def _touched(cursor: Any) -> int:
    cursor.execute(
        "SELECT COALESCE(SUM(pg_stat_get_xact_blocks_fetched(oid)), 0) FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace"
    )
    return int(cursor.fetchone()[0])


def log_bytes(work: Work) -> int:
    """Bytes that PostgreSQL writes to its log for the work, and for whatever else it does."""
    position = "SELECT pg_current_wal_insert_lsn() - '0/0'"
    with connection.cursor() as cursor:
        cursor.execute(position)
        before = cursor.fetchone()[0]
        work()
        cursor.execute(position)
        return int(cursor.fetchone()[0] - before)


def peak_memory(work: Work) -> int:
    """Most bytes that Python held for the work at one time."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
