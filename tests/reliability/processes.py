"""Processes that run a function each, at once; and how they ended."""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from django.db import connection

PATIENCE = 600.0
# Signal 9, as multiprocessing reports it.
KILLED = -9


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, and what its function returned, or why it did not."""

    code: int | None
    result: Any = None
    error: str = ""

    @property
    def was_killed(self) -> bool:
        return self.code == KILLED


def run(function: Callable[..., Any], *args: Any) -> Ended:
    """Run it in a process of its own; module-level functions and plain arguments only."""
    return at_once([(function, args)])[0]


def at_once(jobs: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]) -> list[Ended]:
    """Run all in a process each, at the same time, and wait for their ends."""
    with started(jobs) as running:
        return [process.ended() for process in running]


class Running:
    """A process that runs."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._mine, theirs = _context().Pipe(duplex=False)
        self.process = _context().Process(target=_child, args=(theirs, function, args))
        self.process.start()
        theirs.close()

    def ended(self) -> Ended:
        """Wait for its end."""
        result = self._received()
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, "A process does not end"
        return Ended(self.process.exitcode, *result)

    def _received(self) -> tuple[Any, ...]:
        try:
            result: tuple[Any, ...] = self._mine.recv() if self._mine.poll(PATIENCE) else ()
        except EOFError:
            return ()
        return result


@contextmanager
def started(jobs: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]) -> Iterator[list[Running]]:
    """Processes that run while the block does, and are gone after it."""
    running = [Running(function, args) for function, args in jobs]
    try:
        yield running
    finally:
        for one in running:
            one.process.kill()
            one.process.join()
            one.process.close()


def _context() -> Any:
    # A server of multiprocessing's: forking this process, with its threads, would be a gamble.
    context = multiprocessing.get_context("forkserver")
    os.environ["TORTURE_DATABASE"] = str(connection.settings_dict["NAME"])
    context.set_forkserver_preload(["tests.reliability.preload"])
    return context


def _child(parent: Connection, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        parent.send((function(*args),))
    except Exception:  # noqa: BLE001 (sent to the parent)
        parent.send((None, traceback.format_exc()))


def nothing() -> float:
    """What starting a process costs is measured with this."""
    return time.monotonic()
