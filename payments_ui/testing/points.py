"""What can happen at the named points of `payments_ui.core.db.failpoints`, for tests.

    with at(Point.CHARGE_AFTER_PSP, raise_(RuntimeError)) as watch:
        ...
    assert watch.hits == 1

Several watches may look at one point; each does what it was told, in the order they came. An
action is code of the test, called in the thread that reached the point: nothing but such code
can set one, no setting and no environment variable.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point

Action = Callable[[], None]
PATIENCE = 10.0

_watches: dict[Point, list[Watch]] = {}
_lock = threading.Lock()
_here = threading.local()


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Give the thread a name within the block, which `at(..., actor=...)` asks for."""
    before = current_actor()
    _here.actor = actor
    try:
        yield
    finally:
        _here.actor = before


def current_actor() -> str:
    """Return the name the thread acts under, or an empty text."""
    return getattr(_here, "actor", "")


class Watch:
    """Something that is set at a point, and how often the point was reached.

    `hits` counts those that the watch is about: of its thread or actor, if it is limited to one.
    """

    def __init__(self, action: Action, on_hit: int | None, thread: int | None, actor: str) -> None:
        self.hits = 0
        self._action = action
        self._on_hit = on_hit
        self._thread = thread
        self._actor = actor

    def reached(self) -> None:
        """Count, and act if it is time to."""
        if self._thread not in {None, threading.get_ident()}:
            return
        if self._actor not in {"", current_actor()}:
            return
        with _lock:
            self.hits += 1
            due = self._on_hit in {None, self.hits}
        if due:
            self._action()


@contextmanager
def at(
    point: Point | str,
    action: Action | None = None,
    *,
    on_hit: int | None = None,
    this_thread: bool = False,
    actor: str = "",
) -> Iterator[Watch]:
    """Let `action` happen whenever the point is reached within the block; without one, count.

    `on_hit`: at the n-th time only, from 1. `this_thread`: only where the thread that asks gets
    there. `actor`: only in threads that act under this name, see `acting_as`. ValueError for a
    point that is none, and for an `on_hit` below 1.
    """
    if on_hit is not None and on_hit < 1:
        raise ValueError("Points are counted from 1.")
    thread = threading.get_ident() if this_thread else None
    watch = Watch(action or _nothing, on_hit, thread, actor)
    _add(Point(point), watch)
    try:
        yield watch
    finally:
        _remove(Point(point), watch)


def raise_(error: BaseException | type[BaseException]) -> Action:
    """Raise this error."""

    def action() -> None:
        raise error

    return action


def sleep(seconds: float) -> Action:
    """Wait that long, in wall time."""
    return partial(time.sleep, seconds)


def kill() -> Action:
    """End the process at once (SIGKILL): no cleaning up, as when the power fails."""
    return lambda: os.kill(os.getpid(), signal.SIGKILL)


def call(function: Callable[[], object]) -> Action:
    """Call this function; what it returns is ignored, what it raises is raised."""

    def action() -> None:
        function()

    return action


class Gate:
    """An action that waits at the point until the test opens the gate: for interleavings.

        gate = Gate()
        with at(Point.CHARGE_AFTER_PSP, gate, actor="customer"):
            ...  # start a thread that pays, acting as "customer"
            with gate.held():
                ...  # do what must happen just then

    Everybody waits who gets there before it is open; nobody does later. AssertionError instead
    of waiting for ever: after `patience` seconds, on either side.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._arrived = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> None:
        """Wait until the gate is open."""
        self._arrived.set()
        if not self._open.wait(self._patience):
            raise AssertionError("The gate was not opened in time.")

    def arrived(self) -> None:
        """Wait until somebody stands at the gate."""
        if not self._arrived.wait(self._patience):
            raise AssertionError("Nobody came to the gate in time.")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until somebody stands at the gate, and open it at the end of the block."""
        self.arrived()
        try:
            yield
        finally:
            self.open()

    def open(self) -> None:
        """Let everybody pass, from now on."""
        self._open.set()


def _nothing() -> None:
    """Let the watch count, and no more."""


def _add(point: Point, watch: Watch) -> None:
    with _lock:
        _watches.setdefault(point, []).append(watch)
        failpoints.actions[point] = partial(_reach, point)


def _remove(point: Point, watch: Watch) -> None:
    with _lock:
        _watches[point].remove(watch)
        if not _watches[point]:
            del _watches[point], failpoints.actions[point]


def _reach(point: Point) -> None:
    with _lock:
        watches = list(_watches.get(point, ()))
    for watch in watches:
        watch.reached()
