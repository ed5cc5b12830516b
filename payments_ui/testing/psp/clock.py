"""The sandbox's clock: wall time that can be put forward."""

from __future__ import annotations

import threading
import time


class Clock:
    """Wall time plus an offset that only grows.

    Waiting periods of the sandbox (webhook retries, expiring keys, payments that are processed
    later) are measured on this clock, so that a test need not wait a day to see a day pass.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = offset
        self._lock = threading.Lock()

    @property
    def offset(self) -> float:
        """How many seconds this clock is ahead of wall time."""
        return self._offset

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> float:
        """Put the clock forward and return the new offset; ValueError if that were backward."""
        if not 0 <= seconds < float("inf"):
            raise ValueError("The clock only moves forward.")
        with self._lock:
            self._offset += seconds
            return self._offset
