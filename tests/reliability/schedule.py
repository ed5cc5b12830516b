"""Two flows that stop at named points: every order in which they can meet, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from django.db import connections

from payments_ui.core.db.failpoints import Point
from payments_ui.testing.failpoints import acting_as, at

# So long somebody who neither arrives nor ends is taken to wait for the other's lock.
BLOCKED = 0.08
PATIENCE = 60.0


@dataclass(frozen=True)
class Schedule:
    """Where each of the two stops (``None``: nowhere), and which of them may go on first."""

    first: Point | None
    second: Point | None
    second_goes_on_first: bool

    def __str__(self) -> str:
        order = "second" if self.second_goes_on_first else "first"
        return f"{self.first or 'end'} / {self.second or 'end'}, {order} goes on first"


def every(first: Sequence[Point], second: Sequence[Point]) -> Iterator[Schedule]:
    """All schedules of two flows with these points."""
    for one in (*first, None):
        for other in (*second, None):
            for turn in (False, True):
                yield Schedule(one, other, turn)


class Actor:
    """A flow in a thread of its own, which stops at its point until it is let go on."""

    def __init__(self, name: str, job: Callable[[], Any], stop: Point | None) -> None:
        self.result: Any = None
        self._name, self._job, self._stop = name, job, stop
        self._paused, self._go_on = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begin; return when it stands at its point, has ended, or waits for the other."""
        self._thread.start()
        self._settle_down(lambda: self._paused.is_set())

    def go_on(self) -> None:
        """Pass the point; return when it has ended, or waits for the other."""
        self._go_on.set()
        self._settle_down(lambda: False)

    def end(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), f"{self._name} does not end"

    def _settle_down(self, is_there: Callable[[], bool]) -> None:
        until = time.monotonic() + BLOCKED
        while self._thread.is_alive() and not is_there() and time.monotonic() < until:
            time.sleep(0.001)

    def _run(self) -> None:
        try:
            with ExitStack() as stack:
                stack.enter_context(acting_as(self._name))
                if self._stop:
                    stack.enter_context(at(self._stop, self._pause, on_hit=1, actor=self._name))
                self.result = self._job()
        except Exception as error:  # noqa: BLE001 - the scenario looks at it
            self.result = error
        finally:
            connections.close_all()

    def _pause(self) -> None:
        self._paused.set()
        assert self._go_on.wait(PATIENCE), f"{self._name} was not let go on"


def play(schedule: Schedule, first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """Let the two meet like this; what each returned or raised."""
    actors = [Actor("first", first, schedule.first), Actor("second", second, schedule.second)]
    for actor in actors:
        actor.start()
    for actor in reversed(actors) if schedule.second_goes_on_first else actors:
        actor.go_on()
    for actor in actors:
        actor.end()
    return [actor.result for actor in actors]
