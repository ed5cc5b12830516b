"""The plan: what the next calls, and the next webhooks, will do."""

from __future__ import annotations

import random
import threading
import uuid
from collections import deque
from dataclasses import dataclass, field

from .clock import Clock
from .faults import AS_USUAL, SCENARIOS, Conduct, Scenario, Transport

OPERATIONS = ("create", "refund", "fetch", "cancel", "any")
MOST = 1000


@dataclass(frozen=True)
class Step:
    """One call the plan is waiting for."""

    scenario: Scenario
    on: str


@dataclass(frozen=True)
class Weather:
    """A scenario that strikes a share of all calls, until the plan is cleared."""

    scenario: Scenario
    on: str
    share: float
    dice: random.Random

    def strikes(self, operation: str, only: Transport | None) -> bool:
        """Tell whether this call is one of the share; each question is a throw of the dice."""
        is_limit = self.scenario.conduct.transport == Transport.RATE_LIMITED
        asked = is_limit == (only == Transport.RATE_LIMITED)
        return asked and self.on in {operation, "any"} and self.dice.random() < self.share


@dataclass
class Batch:
    """Events that are held back until all are there, and then sent in another order."""

    places: list[int]
    name: str = field(default_factory=lambda: uuid.uuid4().hex)


class Plan:
    """What the next calls will do, first come, first served; thread-safe."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._steps: deque[Step] = deque()
        self._weather: list[Weather] = []
        self._batch: Batch | None = None
        self._out_until = 0.0
        self._lock = threading.Lock()

    def add(self, name: str, *, on: str | None = None, times: int = 1) -> None:
        """Let the next `times` calls of an operation play a scenario.

        Without `on`, the operation the scenario is made for: "create", or "refund" for those
        of refunds. ValueError for an unknown scenario or operation, or if `times` is not 1 to
        1000.
        """
        step = Step(*_found(name, on))
        if type(times) is not int or not 1 <= times <= MOST:
            raise ValueError("A scenario is planned for 1 to 1000 calls.")
        with self._lock:
            self._steps.extend([step] * times)

    def sometimes(self, name: str, *, share: float, on: str | None = None, seed: int = 0) -> None:
        """Let a share of the calls (0 to 1) play a scenario until the plan is cleared.

        What was added by `add` comes first. The same seed strikes the same calls. ValueError
        as `add` says, or for a share that is none.
        """
        if not 0 <= share <= 1:
            raise ValueError("A share is 0 to 1.")
        with self._lock:
            dice = random.Random(seed)  # noqa: S311 (no secret)
            self._weather.append(Weather(*_found(name, on), share, dice))

    def outage(self, seconds: float = 0.0, *, until: float = 0.0) -> None:
        """Answer 503 to everything for some seconds, or until then, on the sandbox's clock.

        Nothing is executed or remembered meanwhile; webhooks of what happened before still
        arrive. Whoever directs the sandbox is answered as usual. ValueError for less than no
        time.
        """
        if not (seconds >= 0 and until >= 0):
            raise ValueError("An outage ends after it begins.")
        with self._lock:
            self._out_until = max(until, self._clock.now() + seconds)

    def reorder(self, events: int, *, seed: int | None = None) -> None:
        """Hold the next events back until there are so many, then send them the last one first.

        With a seed they are shuffled instead. They are sent one after the other. Clearing the
        plan lets go of fewer. ValueError if it is not 1 to 1000 events.
        """
        if type(events) is not int or not 1 <= events <= MOST:
            raise ValueError("1 to 1000 events can be reordered.")
        places = list(range(events))
        if seed is not None:
            random.Random(seed).shuffle(places)  # noqa: S311 (no secret)
        with self._lock:
            self._batch = Batch(places)

    @property
    def out_until(self) -> float:
        """When the outage ends, in seconds on the sandbox's clock; 0 if there is none."""
        return self._out_until if self._out_until > self._clock.now() else 0.0

    def take(self, operation: str, *, only: Transport | None = None) -> Conduct:
        """Use up and return what is planned for this call; with `only`, if it is that fault."""
        with self._lock:
            step = next((one for one in self._steps if one.on in {operation, "any"}), None)
            if step is None:
                return self._struck(operation, only)
            if only and step.scenario.conduct.transport != only:
                return AS_USUAL
            self._steps.remove(step)
            return step.scenario.conduct

    def place(self) -> tuple[str, int]:
        """Return batch and place of the next event; no name if it is sent when it is due."""
        with self._lock:
            if self._batch is None or not self._batch.places:
                return "", 0
            return self._batch.name, self._batch.places.pop()

    @property
    def gathering(self) -> str:
        """Name of the batch of events that still waits for more; empty if there is none."""
        with self._lock:
            return self._batch.name if self._batch and self._batch.places else ""

    def steps(self) -> list[Step]:
        """Return what is still waiting."""
        with self._lock:
            return list(self._steps)

    def weather(self) -> list[Weather]:
        """Return what strikes a share of the calls."""
        with self._lock:
            return list(self._weather)

    def clear(self) -> None:
        """Forget the plan: the next calls behave as usual."""
        with self._lock:
            self._steps.clear()
            self._weather.clear()
            self._batch, self._out_until = None, 0.0

    def _struck(self, operation: str, only: Transport | None) -> Conduct:
        struck = [one for one in self._weather if one.strikes(operation, only)]
        return struck[0].scenario.conduct if struck else AS_USUAL


def _found(name: str, on: str | None) -> tuple[Scenario, str]:
    if name not in SCENARIOS:
        raise ValueError("There is no such scenario.")
    scenario = SCENARIOS[name]
    if on is not None and on not in OPERATIONS:
        raise ValueError(f"The operation is one of {', '.join(OPERATIONS)}.")
    return scenario, on or scenario.on
