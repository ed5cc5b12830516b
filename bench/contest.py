"""Contestants do the same work in turns.

A ``Row`` of the table is the kit and its anchors: others that do the same, or the least that could.
In each round every contestant runs one lap, and each round begins with another of them, so that
whatever disturbs the machine disturbs all alike. What is compared is the median, over the rounds,
of the kit's processor time beside the anchor's.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model

from bench import database, meters
from bench.meters import Cost
from bench.results import Comparison, Figures, Worth


class Contestant:
    """A way to do the work of a row. ``run`` is measured; what comes before and after is not."""

    #: Whether it works in this process, where it can be watched.
    is_here = True

    def __init__(self, name: str, work: Callable[[], object] = lambda: None) -> None:
        self.name = name
        self._work = work

    def prepare(self) -> Any:
        """Return what one run works on."""
        return None

    def run(self, subject: Any) -> object:
        """The measured part."""
        return self._work()

    def restore(self, subject: Any) -> None:
        """Undo what the run did, so that it can be repeated."""

    def once(self, meter: Callable[[Callable[[], object]], Any]) -> Any:
        """What the meter says of one run."""
        subject = self.prepare()
        try:
            return meter(lambda: self.run(subject))
        finally:
            self.restore(subject)


@dataclass(frozen=True, kw_only=True)
class Row:
    """The kit beside its anchors. The first anchor is what the limit is about."""

    #: Says the same in every run, whatever the size.
    key: str
    title: str
    kit: Contestant
    anchors: Sequence[Contestant]
    #: Runs in a lap: a lap of a few milliseconds is measured well.
    times: int = 1
    #: What one run is for, if it is for many: figures are those of one.
    uses: int = 1
    worth: Worth | None = None
    #: Whether statements and calls are of interest, too: they take two more runs.
    is_counted: bool = True
    #: What the database puts away between rounds, as its housekeeping would.
    tables: Sequence[type[Model]] = field(default=())


def measure(row: Row, *, seconds: float, least: int) -> Comparison:
    """Let them take turns for so many seconds, and for so many rounds at least, after a first."""
    contestants = [row.kit, *row.anchors]
    began = time.perf_counter()
    rounds = [_round(row, contestants)]  # the first one fills caches
    more = max(least, min(200, int(seconds / (time.perf_counter() - began))))
    gc.collect()
    for number in range(more):
        turn = number % len(contestants)
        rounds.append(_round(row, [*contestants[turn:], *contestants[:turn]]))
    rounds = rounds[1:] or rounds
    costs = {each.name: [costs[each.name] for costs in rounds] for each in contestants}
    ours = costs[row.kit.name]
    return Comparison(
        key=row.key,
        title=row.title,
        kit=_figures(row, row.kit, ours),
        anchors=[_figures(row, each, costs[each.name]) for each in row.anchors],
        ratios=[_ratio(ours, costs[each.name]) for each in row.anchors],
        worth=row.worth,
    )


def _round(row: Row, contestants: Sequence[Contestant]) -> dict[str, Cost]:
    costs = {each.name: _lap(each, row.times) for each in contestants}
    if row.tables:
        database.tidy(*row.tables)
    return costs


def _lap(contestant: Contestant, times: int) -> Cost:
    subjects = [contestant.prepare() for _ in range(times)]

    def run_all() -> None:
        for subject in subjects:
            contestant.run(subject)

    try:
        return meters.cost(run_all)
    finally:
        for subject in subjects:
            contestant.restore(subject)


def _figures(row: Row, contestant: Contestant, costs: Sequence[Cost]) -> Figures:
    uses = row.times * row.uses
    is_counted = row.is_counted and contestant.is_here
    statements, control = contestant.once(meters.statements) if is_counted else (0, 0)
    return Figures(
        who=contestant.name,
        client=statistics.median(each.client for each in costs) / uses,
        server=statistics.median(each.server for each in costs) / uses,
        wall=statistics.median(each.wall for each in costs) / uses,
        statements=statements,
        control=control,
        calls=contestant.once(meters.calls) if is_counted else 0,
    )


def _ratio(ours: Sequence[Cost], theirs: Sequence[Cost]) -> float:
    pairs = zip(ours, theirs, strict=True)
    return statistics.median(mine.cpu / max(other.cpu, 1e-9) for mine, other in pairs)
