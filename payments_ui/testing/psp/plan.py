"""The plan: what the next calls, and the next webhooks, will do."""

from __future__ import annotations

import random
import threading
import uuid
from collections import deque
from dataclasses import dataclass, field

from .ledger.clock import Clock
from .scenarios import AS_USUAL, SCENARIOS, Conduct, Scenario, Transport

OPERATIONS = ("create", "prepare", "save", "refund", "fetch", "cancel", "any")
_MOST = 1000


@dataclass(frozen=True)
class Step:
    """A scenario that waits for the next call of the operation `on`."""

    scenario: Scenario
    on: str


@dataclass(frozen=True)
class RandomStep:
    """A scenario that hits a share of the calls until the plan is cleared."""

    scenario: Scenario
    on: str
    share: float
    dice: random.Random

    def hits(self, operation: str, only: Transport | None) -> bool:
        """Tell whether this call is part of the share. Every question about it throws the dice."""
        is_limit = self.scenario.conduct.transport == Transport.RATE_LIMITED
        asked = is_limit == (only == Transport.RATE_LIMITED)
        return asked and self.on in {operation, "any"} and self.dice.random() < self.share


@dataclass
class HeldEvents:
    """Events that wait until all of them exist, and are sent in another order then."""

    places: list[int]
    name: str = field(default_factory=lambda: uuid.uuid4().hex)


class Plan:
    """What the next calls will do, first come, first served. Threads may share it."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._steps: deque[Step] = deque()
        self._random_steps: list[RandomStep] = []
        self._held: HeldEvents | None = None
        self._outage_until = 0.0
        self._lock = threading.Lock()

    def add(self, name: str, *, on: str | None = None, times: int = 1) -> None:
        """Let the next `times` calls of an operation play a scenario.

        `on` is "create" (charges), "prepare" (what moves no money yet), "save" (customers and
        their payment methods), "refund", "fetch", "cancel" or "any"; by default the operation that
        the scenario is made for. ValueError for an unknown scenario or operation, and unless
        `times` is 1 to 1000.
        """
        step = Step(*_find(name, on))
        if type(times) is not int or not 1 <= times <= _MOST:
            raise ValueError("Plan a scenario for 1 to 1000 calls.")
        with self._lock:
            self._steps.extend([step] * times)

    def sometimes(self, name: str, *, share: float, on: str | None = None, seed: int = 0) -> None:
        """Let a share of the calls (0 to 1) play a scenario until the plan is cleared.

        Steps that `add` planned come first. The same seed hits the same calls. ValueError as
        for `add`, and for a share outside of 0 to 1.
        """
        if not 0 <= share <= 1:
            raise ValueError("A share is 0 to 1.")
        with self._lock:
            dice = random.Random(seed)  # noqa: S311 (no secret)
            self._random_steps.append(RandomStep(*_find(name, on), share, dice))

    def outage(self, seconds: float = 0.0, *, until: float = 0.0) -> None:
        """Answer 503 to everything for some seconds, or until a time, on the PSP's clock.

        The PSP executes and remembers nothing meanwhile. Webhooks about earlier events still
        arrive, and calls that direct the PSP (plan, clock, totals) work. ValueError for negative
        numbers.
        """
        if not (seconds >= 0 and until >= 0):
            raise ValueError("An outage ends after it begins.")
        with self._lock:
            self._outage_until = max(until, self._clock.now() + seconds)

    def reorder(self, events: int, *, seed: int | None = None) -> None:
        """Hold back the next webhooks until so many wait, then send the last one first.

        With a seed they are shuffled instead. They are sent one after the other. Clearing the
        plan sends them early. ValueError unless it is 1 to 1000 events.
        """
        if type(events) is not int or not 1 <= events <= _MOST:
            raise ValueError("Reorder 1 to 1000 events.")
        places = list(range(events))
        if seed is not None:
            random.Random(seed).shuffle(places)  # noqa: S311 (no secret)
        with self._lock:
            self._held = HeldEvents(places)

    def clear(self) -> None:
        """Forget the plan: the next calls behave as usual."""
        with self._lock:
            self._steps.clear()
            self._random_steps.clear()
            self._held, self._outage_until = None, 0.0

    @property
    def outage_until(self) -> float:
        """When the outage ends, in seconds on the PSP's clock; 0 without an outage."""
        return self._outage_until if self._outage_until > self._clock.now() else 0.0

    def steps(self) -> list[Step]:
        """Return the steps that still wait for a call."""
        with self._lock:
            return list(self._steps)

    def random_steps(self) -> list[RandomStep]:
        """Return what hits a share of the calls."""
        with self._lock:
            return list(self._random_steps)

    def take(self, operation: str, *, only: Transport | None = None) -> Conduct:
        """Use up and return what is planned for this call.

        With `only`, the next step is used up if it plays that fault, and left in place otherwise.
        """
        with self._lock:
            step = next((step for step in self._steps if step.on in {operation, "any"}), None)
            if step is None:
                hits = [step for step in self._random_steps if step.hits(operation, only)]
                return hits[0].scenario.conduct if hits else AS_USUAL
            if only and step.scenario.conduct.transport != only:
                return AS_USUAL
            self._steps.remove(step)
            return step.scenario.conduct

    def next_place(self) -> tuple[str, int]:
        """Return which batch the next event is held back for, and its place in the order.

        The name of the batch is empty for an event that is sent when it is due.
        """
        with self._lock:
            if self._held is None or not self._held.places:
                return "", 0
            return self._held.name, self._held.places.pop()

    @property
    def held_batch(self) -> str:
        """Name of the batch of events that still waits for more; empty without one."""
        with self._lock:
            return self._held.name if self._held and self._held.places else ""


def _find(name: str, on: str | None) -> tuple[Scenario, str]:
    if name not in SCENARIOS:
        raise ValueError("Unknown scenario.")
    scenario = SCENARIOS[name]
    if on is not None and on not in OPERATIONS:
        raise ValueError(f"The operation is one of {', '.join(OPERATIONS)}.")
    return scenario, on or scenario.on
