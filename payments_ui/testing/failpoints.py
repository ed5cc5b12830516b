"""Failpoints for tests: what happens when the kit passes a named point on its way.

For example::

    with at(Point.CHARGE_AFTER_PSP, raise_(RuntimeError)) as watch:
        ...
    assert watch.hits == 1

A point may have several watches, which act in the order they were set. An action is code of the
test, called in the thread that hit the point: no setting and no environment variable can set one.
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

_watches: dict[Point, list[Watch]] = {}
_lock = threading.Lock()
_thread = threading.local()


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Give the thread a name within the block, which `at(..., actor=...)` asks for."""
    before = current_actor()
    _thread.actor = actor
    try:
        yield
    finally:
        _thread.actor = before


def current_actor() -> str:
    """Return the name that the thread acts under, or an empty text."""
    return getattr(_thread, "actor", "")


class Watch:
    """An action at a point; `hits` counts how often the point was hit.

    A watch that is limited to a thread or an actor counts their hits only.
    """

    def __init__(self, action: Action, on_hit: int | None, thread: int | None, actor: str) -> None:
        self.hits = 0
        self._action = action
        self._on_hit = on_hit
        self._thread = thread
        self._actor = actor

    def hit(self) -> None:
        """Count, and act if this hit is meant."""
        if self._thread not in {None, threading.get_ident()}:
            return
        if self._actor not in {"", current_actor()}:
            return
        with _lock:
            self.hits += 1
            is_meant = self._on_hit in {None, self.hits}
        if is_meant:
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
    """Let `action` happen whenever the point is hit within the block; without one, count.

    - `on_hit`: at the n-th hit only, from 1
    - `this_thread`: only in the thread that calls `at`
    - `actor`: only in threads that act under this name, see `acting_as`

    ValueError for an unknown point, and for an `on_hit` below 1.
    """
    if on_hit is not None and on_hit < 1:
        raise ValueError("Hits are counted from 1.")
    point = Point(point)
    thread = threading.get_ident() if this_thread else None
    watch = Watch(action or (lambda: None), on_hit, thread, actor)
    with _lock:
        _watches.setdefault(point, []).append(watch)
        failpoints.actions[point] = partial(_hit, point)
    try:
        yield watch
    finally:
        with _lock:
            _watches[point].remove(watch)
            if not _watches[point]:
                del _watches[point], failpoints.actions[point]


def _hit(point: Point) -> None:
    with _lock:
        watches = list(_watches.get(point, ()))
    for watch in watches:
        watch.hit()


def raise_(error: BaseException | type[BaseException]) -> Action:
    """Raise this error."""

    def action() -> None:
        raise error

    return action


def sleep(seconds: float) -> Action:
    """Wait so many seconds of wall time."""
    return partial(time.sleep, seconds)


def kill() -> Action:
    """End the process at once (SIGKILL), without cleaning up, as in a power failure."""
    return lambda: os.kill(os.getpid(), signal.SIGKILL)


def call(function: Callable[[], object]) -> Action:
    """Call this function; its result is ignored, its error is raised."""

    def action() -> None:
        function()

    return action


class Gate:
    """An action that waits at the point until the test opens the gate: for interleavings.

    For example::

        gate = Gate()
        with at(Point.CHARGE_AFTER_PSP, gate, actor="customer"):
            ...  # start a thread that pays, acting as "customer"
            with gate.held():
                ...  # do what must happen just then

    Threads wait that reach it before it is open; later ones pass. Neither they nor the test wait
    for ever: after `patience` seconds they raise AssertionError.
    """

    def __init__(self, patience: float = 10.0) -> None:
        self._patience = patience
        self._arrived = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> None:
        """Wait until the gate is open."""
        self._arrived.set()
        if not self._open.wait(self._patience):
            raise AssertionError("The gate was not opened in time.")

    def arrived(self) -> None:
        """Wait until a thread stands at the gate."""
        if not self._arrived.wait(self._patience):
            raise AssertionError("No thread came to the gate in time.")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until a thread stands at the gate; open the gate at the end of the block."""
        self.arrived()
        try:
            yield
        finally:
            self.open()

    def open(self) -> None:
        """Let threads pass from now on."""
        self._open.set()
