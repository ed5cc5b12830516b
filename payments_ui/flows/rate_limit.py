"""Not overrunning a PSP, by all workers on all machines together."""

from __future__ import annotations

import logging
import time
from collections import deque

from django.core.cache import caches

from payments_ui.conf import settings
from payments_ui.core import pace
from payments_ui.moochers.base import Moocher

from .resilience import RateLimit

logger = logging.getLogger("payments_ui")

#: Payments a second where ``RATE_LIMITS`` says nothing: below Stripe's 25 requests an endpoint.
PER_SECOND = 20.0
#: Turns that a worker reserves at a time, so that it asks the database seldom.
_RESERVED = 5
#: Seconds after which a reserved turn that was not used is lost, so that none are saved up.
_KEPT = 1.0
#: Seconds of a window that is counted in a cache: short, so that workers do not come in bursts.
_WINDOW = 0.25
#: Seconds after which a process asks the database again what time it is.
_SET_AGAIN = 60.0


class SharedLimit:
    """At most so many turns per second, evenly, for everybody who asks under this name.

    Kept in the cache ``RATE_LIMIT_CACHE`` where one is set and answers, else in the database. By
    the database's clock in both cases, as each machine has one of its own: in a cache, windows of
    two machines differ by no more than the time that a query takes, and what their clocks drift
    apart within a minute. Raises ``ValueError`` unless ``per_second`` is above zero.
    """

    def __init__(self, name: str, per_second: float) -> None:
        # It also spreads the turns of this process, and checks the number.
        self._own = RateLimit(per_second)
        self._name = name
        self._per_second = per_second
        self._turns: deque[float] = deque()
        #: When the database was asked for the time, by this process's clock, and what it said.
        self._clock: tuple[float, float] | None = None

    def wait(self) -> None:
        """Wait for the next turn."""
        self._own.wait()
        if not (settings.RATE_LIMIT_CACHE and self._wait_for_cache(settings.RATE_LIMIT_CACHE)):
            self._wait_for_database()

    def _wait_for_cache(self, alias: str) -> bool:
        """Wait by counting the turns of short windows; ``False`` where the cache is down."""
        window = max(_WINDOW, 1 / self._per_second)
        # At least one: what is rounded down to none would wait for ever.
        allowed = max(1, int(self._per_second * window))
        while True:
            number, rest = divmod(self._database_time(), window)
            counted = self._count(alias, f"payments_ui.pace.{self._name}.{number:.0f}")
            if counted is None or counted <= allowed:
                return counted is not None
            time.sleep(window - rest)

    def _count(self, alias: str, key: str) -> int | None:
        """The number of this turn in its window; ``None`` where the cache does not answer."""
        try:
            caches[alias].add(key, 0, timeout=60)
            return caches[alias].incr(key)
        except Exception:
            logger.warning(
                "Cache %s does not keep the pace; the database does", alias, exc_info=True
            )
            return None

    def _database_time(self) -> float:
        now = time.monotonic()
        if self._clock is None or now - self._clock[0] > _SET_AGAIN:
            shown = pace.database_time(self._name)
            # The query took some of the time; the answer is from its middle.
            self._clock = (now + time.monotonic()) / 2, shown
        asked, shown = self._clock
        return shown + time.monotonic() - asked

    def _wait_for_database(self) -> None:
        now = time.monotonic()
        while self._turns and self._turns[0] < now - _KEPT:
            self._turns.popleft()
        if not self._turns:
            between = 1 / self._per_second
            number = max(1, min(_RESERVED, int(self._per_second * _KEPT / 2)))
            wait = pace.reserve(self._name, seconds=between * number)
            first = time.monotonic() + wait
            self._turns.extend(first + between * at for at in range(number))
        time.sleep(max(0.0, self._turns.popleft() - time.monotonic()))


def shared(moocher: Moocher) -> SharedLimit:
    """The limit of the moocher's account at its PSP."""
    per_second = settings.RATE_LIMITS.get(moocher.identifier, PER_SECOND)
    return SharedLimit(f"{moocher.identifier} {moocher.account}".strip(), per_second)
