"""The fake PSP's clock: wall time that can be put forward."""

from __future__ import annotations

import threading
import time


class Clock:
    """Wall time plus an offset that only grows.

    The PSP measures its waiting periods on this clock (webhook retries, the life of idempotency
    keys, charges that end later), so a test sees a day pass without waiting for it.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = offset
        self._lock = threading.Lock()

    @property
    def offset(self) -> float:
        """Seconds that this clock is ahead of wall time."""
        return self._offset

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> float:
        """Put the clock forward and return the new offset; ValueError for a step back."""
        if not 0 <= seconds < float("inf"):
            raise ValueError("The clock only moves forward.")
        with self._lock:
            self._offset += seconds
            return self._offset
