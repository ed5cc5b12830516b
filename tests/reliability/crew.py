"""Threads that start at once, again and again, with a connection each that stays open."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connections

Job = Callable[[], Any]
PATIENCE = 120


class Crew:
    """As many threads as asked for; see ``crew``."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size)

    def at_once(self, jobs: Sequence[Job]) -> list[Any]:
        """Do all of them at once, one thread each; return what each returned or raised."""
        barrier = threading.Barrier(len(jobs))
        running = [self._pool.submit(_do, barrier, job) for job in jobs]
        return [one.result(PATIENCE) for one in running]

    def all(self, job: Callable[[int], Any]) -> list[Any]:
        """Do the same in every thread at once, which is told its number."""
        return self.at_once([lambda number=number: job(number) for number in range(self.size)])  # type: ignore[misc]

    def go(self) -> None:
        """Close the connections, and end."""
        self.all(lambda number: connections.close_all())
        self._pool.shutdown()


@contextmanager
def crew(size: int) -> Iterator[Crew]:
    """Threads for the block."""
    threads = Crew(size)
    try:
        yield threads
    finally:
        threads.go()


def _do(barrier: threading.Barrier, job: Job) -> Any:
    try:
        barrier.wait(PATIENCE)
        return job()
    except Exception as error:  # noqa: BLE001 - the scenario looks at it
        return error
