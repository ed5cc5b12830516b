"""Seconds and bytes, measured so that a busy machine disturbs all contestants alike."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence

#: Does something once and says how many seconds it took, its preparation not counted.
Lap = Callable[[], float]


def timed(run: Callable[[], object]) -> float:
    """Seconds that ``run`` takes."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


class Race:
    """Contestants that take turns; each repeat starts with another one."""

    def __init__(self, laps: Sequence[Lap], repeats: int) -> None:
        for lap in laps:
            lap()  # the first one fills caches
        gc.collect()
        self.times: list[list[float]] = [[] for _ in laps]
        for repeat in range(repeats):
            for turn in range(len(laps)):
                runner = (repeat + turn) % len(laps)
                self.times[runner].append(laps[runner]())

    def seconds(self, runner: int) -> float:
        """The median of one contestant."""
        return statistics.median(self.times[runner])

    def ratio(self, runner: int, other: int) -> float:
        """How many times as long as ``other`` it takes: the median over the repeats."""
        pairs = zip(self.times[runner], self.times[other], strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def peak_memory(run: Callable[[], object]) -> int:
    """Most bytes that Python held for ``run`` at one time."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        run()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
