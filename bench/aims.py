"""What the kit was to reach; docs/performance.md says what of it is met, and what is missed.

A missed aim fails no run: what does is what became worse than it was (``bench.results``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bench.results import Comparison, Run
from bench.table import seconds


class Reading(NamedTuple):
    """What is read from a result, and how it is shown."""

    what: str
    of: Callable[[Any], float]
    shown: Callable[[float], str]


class Aim(NamedTuple):
    """At most so much of what is read from a row; by ``connection.vendor``, or everywhere."""

    key: str
    reading: Reading
    most: float | Mapping[str, float]

    def limit(self, kind: str) -> float | None:
        """The most on this kind of database; ``None`` where nothing is aimed at."""
        return self.most.get(kind) if isinstance(self.most, Mapping) else self.most

    def verdict(self, run: Run) -> str:
        """What the run reached, and whether that is enough; empty where nothing is aimed at."""
        most = self.limit(run.kind)
        if most is None or self.key not in run.results:
            return ""
        reached, shown = self.reading.of(run.results[self.key]), self.reading.shown
        if reached <= most:
            return f"{shown(reached)}, met ({shown(most)})"
        return f"{shown(reached)}, **missed** ({shown(most)})"


def _beside_ancestor(found: Comparison) -> float:
    return found.ratios[[each.who for each in found.anchors].index("ancestor")]


def _added(found: Comparison) -> float:
    return found.kit.cpu - found.anchors[0].cpu


BESIDE = Reading("times the ancestor's time", _beside_ancestor, "{:.2f}".format)
STATEMENTS = Reading("statements", lambda found: found.kit.statements, "{:.0f}".format)
TIME = Reading("processor time", lambda found: found.kit.cpu, seconds)
ADDED = Reading("time added to bare Django", _added, seconds)
BYTES = Reading("", lambda found: found.value, "{:,.0f}".format)
AT_MANY = Reading("processor time at the larger size", lambda found: found.cpu[1], seconds)
EXPONENT = Reading("exponent", lambda found: found.exponent, "{:.3f}".format)

_MS, _US = 1e-3, 1e-6

AIMS = (
    Aim("record-new", BESIDE, 0.9),
    Aim("record-new", STATEMENTS, 1),
    Aim("record-repeated", BESIDE, 1.2),
    Aim("record-many", TIME, {"postgresql": 15 * _US, "mysql": 50 * _US, "sqlite": 30 * _US}),
    Aim("record-bulk", TIME, 40 * _US),
    Aim("create-few", BESIDE, 0.7),
    Aim("create-log", BYTES, 6_000),
    Aim("lock", TIME, 0.4 * _MS),
    Aim("bulk-charged", STATEMENTS, 10),
    Aim("bulk-charged", TIME, {"postgresql": 6 * _MS}),
    Aim("bulk-not-charged", STATEMENTS, 9),
    Aim("bulk-not-charged", TIME, {"postgresql": 4 * _MS}),
    Aim("expire", STATEMENTS, 6),
    Aim("expire", TIME, 4 * _MS),
    Aim("page-live", STATEMENTS, 5),
    Aim("page-live", TIME, 1 * _MS),
    Aim("page-3-widgets", STATEMENTS, 5),
    Aim("page-3-widgets", TIME, 2 * _MS),
    Aim("page-10-widgets", STATEMENTS, 6),
    Aim("page-10-widgets", TIME, 4 * _MS),
    Aim("page-many", TIME, {"postgresql": 12 * _MS, "mysql": 60 * _MS, "sqlite": 30 * _MS}),
    Aim("own-page", AT_MANY, {"postgresql": 90 * _MS}),
    Aim("heartbeat", TIME, 0.6 * _MS),
    Aim("own-heartbeat", EXPONENT, 0.05),
    Aim("admin-lineitems", TIME, 50 * _MS),
    Aim("admin-lineitems-search", TIME, 300 * _MS),
    Aim("admin-lineitems-miss", TIME, 300 * _MS),
    Aim("admin-payments-search", TIME, 300 * _MS),
    Aim("import", TIME, 40 * _US),
    Aim("start", ADDED, 60 * _MS),
    Aim("start-memory", BYTES, 4 * 2**20),
)
