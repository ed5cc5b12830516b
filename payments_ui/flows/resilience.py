"""Noticing that a PSP does not answer, and not overrunning a PSP that does."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from payments_ui.exceptions import RateLimitedError

T = TypeVar("T")

#: So many requests in a row without an answer are an outage.
IN_A_ROW = 5


class CircuitBreaker:
    """Counts requests in a row without an answer. All methods may be called from any thread."""

    def __init__(self, in_a_row: int = IN_A_ROW) -> None:
        self._in_a_row = in_a_row
        self._missed = 0
        self._lock = threading.Lock()

    def note(self, *, answered: bool) -> None:
        """Count a request; an answer starts the count again."""
        with self._lock:
            self._missed = 0 if answered else self._missed + 1

    @property
    def is_open(self) -> bool:
        """Whether the PSP is better left alone."""
        return self._missed >= self._in_a_row


class RateLimit:
    """At most so many turns per second, evenly; ``None`` for no limit. For any number of threads.

    Raises ``ValueError`` unless ``per_second`` is above zero.
    """

    def __init__(self, per_second: float | None) -> None:
        if per_second is not None and per_second <= 0:
            raise ValueError("A rate limit is a number above zero per second, or None")
        self._between = 1 / per_second if per_second else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for the next turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._between
        time.sleep(turn - now)


def retry_rate_limited(question: Callable[[], T], pauses: Sequence[float]) -> T:
    """Ask again after ``RateLimitedError``, as the PSP did nothing; ``pauses`` are seconds.

    Raises ``RateLimitedError`` where the last request is refused, too.
    """
    for pause in pauses:
        try:
            return question()
        except RateLimitedError:
            # Jitter, so that those who were refused together do not come back together.
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
    return question()
