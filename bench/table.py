"""What was measured beside what was promised, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_HEAD = ("name", "ours", "other", "ratio", "limit", "ok")


@dataclass(frozen=True, slots=True)
class Row:
    """One promise: ``measured`` is at most ``limit``.

    A ratio compares with ``other``; a number of queries or bytes stands for itself. ``is_timed``
    tells what a quick run measures too little of to be ``judged``.
    """

    name: str
    ours: str
    other: str
    measured: float
    limit: float
    is_ratio: bool = True
    is_timed: bool = False
    judged: bool = True

    @property
    def ok(self) -> bool:
        """Whether the promise is kept."""
        return self.measured <= self.limit or not self.judged

    def cells(self) -> tuple[str, ...]:
        """What the table shows, column by column."""
        ratio = f"{self.measured:.2f}" if self.is_ratio else ""
        verdict = ("yes" if self.ok else "NO") if self.judged else "-"
        return (self.name, self.ours, self.other, ratio, f"{round(self.limit, 3):g}", verdict)


def duration(name: str, ours: float, other: float, ratio: float, limit: float) -> Row:
    """A promise about seconds, which a busy machine stretches: only the ratio is compared."""
    return Row(name, _seconds(ours), _seconds(other), ratio, limit, is_timed=True)


def number(name: str, ours: int, limit: int, other: int | str = "") -> Row:
    """A promise about a number of queries or bytes."""
    return Row(name, str(ours), str(other), ours, limit, is_ratio=False)


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """The table, in columns as wide as their widest cell."""
    table = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for name, *cells in table:
        aligned = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *aligned]).rstrip()


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"
