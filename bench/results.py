"""What a run found, how it is kept, and what counts as a broken promise.

``bench/reached/`` holds what was reached on each database when docs/performance.md was written. A
later run may need fifteen hundredths more than that, beside the same anchor; no more statements;
and what is a promise in itself (bytes, memory, growth) stays below its own limit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

REACHED = Path(__file__).parent / "reached"
#: Beside what was reached: what a busy machine adds to a median of ratios.
MARGIN = 1.15


@dataclass(frozen=True, slots=True)
class Worth:
    """What a core brings: ``seconds`` of it are enough for so many of ``what``."""

    what: str
    seconds: float = 1

    def number(self, cpu: float) -> float:
        """How many, where one takes so many seconds of processor."""
        return self.seconds / cpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one use costs a contestant in seconds, and what one run asks."""

    who: str
    client: float
    server: float
    wall: float
    statements: int
    #: Statements that control transactions: BEGIN, COMMIT, savepoints.
    control: int
    calls: int

    @property
    def cpu(self) -> float:
        """Seconds of processor, client and server."""
        return self.client + self.server


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The kit beside its anchors: ``ratios`` are medians over the rounds, in their order."""

    key: str
    title: str
    kit: Figures
    anchors: list[Figures]
    ratios: list[float]
    worth: Worth | None = None

    def broken(self, reached: Result | None) -> list[str]:
        """What has become worse than ``reached``, for people."""
        if not isinstance(reached, Comparison):
            return []
        worse = []
        if self.ratios and reached.ratios and self.ratios[0] > reached.ratios[0] * MARGIN:
            beside = f"{self.ratios[0]:.2f} of {self.anchors[0].who}"
            worse.append(f"{beside}, {reached.ratios[0]:.2f} was reached")
        for what, now, before in (
            ("statements", self.kit.statements, reached.kit.statements),
            ("of transaction control", self.kit.control, reached.kit.control),
        ):
            if now > before:
                worse.append(f"{now} {what}, {before} were enough")
        if self.kit.calls > reached.kit.calls * MARGIN:
            worse.append(f"{self.kit.calls:,} calls, {reached.kit.calls:,} were enough")
        return worse


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number such as bytes; ``beside`` is what an anchor needs.

    Where it has no ``limit`` of its own, that is what was reached, and the margin.
    """

    key: str
    title: str
    value: float
    limit: float | None = None
    beside: str = ""

    def most(self, reached: Result | None) -> float | None:
        """The limit, its own or by what was reached; ``None`` where there is none."""
        if self.limit is None and isinstance(reached, Number):
            return reached.value * MARGIN
        return self.limit

    def broken(self, reached: Result | None) -> list[str]:
        """Whether the limit is passed, for people."""
        most = self.most(reached)
        if most is None or self.value <= most:
            return []
        return [f"{self.value:,.10g} is more than {most:,.10g}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How the cost of one use grows from ``few`` to ``many`` line items.

    ``exponent``: 0 does not grow at all, 1 grows as the number of line items does. ``pages`` are
    those that PostgreSQL touches.
    """

    key: str
    title: str
    few: int
    many: int
    cpu: list[float]
    pages: list[int] | None
    exponent: float
    limit: float

    def broken(self, reached: Result | None) -> list[str]:
        """Whether it grows faster than promised, for people."""
        if self.exponent < self.limit:
            return []
        return [f"grows with the power {self.exponent:.2f}, {self.limit:g} is promised"]


Result = Comparison | Number | Growth
_KINDS: Mapping[str, type[Any]] = {kind.__name__: kind for kind in (Comparison, Number, Growth)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All that one run found, and where."""

    #: ``connection.vendor``
    kind: str
    database: str
    software: str
    machine: str
    date: str
    results: Mapping[str, Result]


def write(run: Run, path: Path) -> None:
    """Keep it as JSON."""
    results = [
        {"kind": type(each).__name__, **_rounded(asdict(each))} for each in run.results.values()
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**asdict(run), "results": results}, indent=2) + "\n")


def read(path: Path) -> Run | None:
    """What was kept; ``None`` where nothing was."""
    if not path.exists():
        return None
    kept = json.loads(path.read_text())
    results = [_result(each) for each in kept.pop("results")]
    return Run(**kept, results=by_key(results))


def by_key(results: Iterable[Result]) -> dict[str, Result]:
    """The results by their keys; raises ``ValueError`` where two have the same."""
    found: dict[str, Result] = {}
    for each in results:
        if each.key in found:
            raise ValueError(f"Two rows have the key {each.key}")
        found[each.key] = each
    return found


def _result(kept: dict[str, Any]) -> Result:
    kind = _KINDS[kept.pop("kind")]
    if kind is Comparison:
        worth = kept.pop("worth")
        return Comparison(
            kit=Figures(**kept.pop("kit")),
            anchors=[Figures(**each) for each in kept.pop("anchors")],
            worth=None if worth is None else Worth(**worth),
            **kept,
        )
    return kind(**kept)  # type: ignore[no-any-return]


def _rounded(value: Any) -> Any:
    """Four figures: more is noise, and makes every run differ in every line."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
