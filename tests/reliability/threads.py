"""Threads that run jobs at once; each keeps its database connection open between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connections

Job = Callable[[], Any]
PATIENCE = 120


class Threads:
    """A number of threads; see `threads`."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size)

    def at_once(self, jobs: Sequence[Job]) -> list[Any]:
        """Run each job in a thread, all at once; return what each returned or raised."""
        barrier = threading.Barrier(len(jobs))
        running = [self._pool.submit(_run, barrier, job) for job in jobs]
        return [future.result(PATIENCE) for future in running]

    def all(self, job: Callable[[int], Any]) -> list[Any]:
        """Run a job in every thread at once, with the number of the thread; return the results."""
        return self.at_once([lambda number=number: job(number) for number in range(self.size)])  # type: ignore[misc]

    def close(self) -> None:
        """Close the connections, and end the threads."""
        self.all(lambda number: connections.close_all())
        self._pool.shutdown()


@contextmanager
def threads(size: int) -> Iterator[Threads]:
    """Return so many threads, which end with the block."""
    pool = Threads(size)
    try:
        yield pool
    finally:
        pool.close()


def _run(barrier: threading.Barrier, job: Job) -> Any:
    try:
        barrier.wait(PATIENCE)
        return job()
    except Exception as error:  # noqa: BLE001 - the scenario looks at it
        return error
