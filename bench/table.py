"""What a run found, as tables in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bench.results import MARGIN, Comparison, Growth, Number, Result, Run

_UNITS = (("s", 1), ("ms", 1e-3), ("µs", 1e-6))


def lines(run: Run, reached: Mapping[str, Result]) -> Iterator[str]:
    """All tables, with their heads."""
    found = run.results.values()
    yield f"{run.database}, {run.software}, {run.machine}"
    comparisons = [each for each in found if isinstance(each, Comparison)]
    rows = (_compared(each, reached.get(each.key)) for each in comparisons)
    yield from _columns(
        ("processor time", "kit", "clock", "anchor", "", "ratio", "limit", "statements", "calls"),
        [row for each in rows for row in each],
    )
    numbers = [each for each in found if isinstance(each, Number)]
    yield from _columns(
        ("number", "", "limit", "beside"),
        [_counted(each, each.most(reached.get(each.key))) for each in numbers],
    )
    growths = [each for each in found if isinstance(each, Growth)]
    yield from _columns(
        ("growth", "few", "", "many", "", "pages", "exponent", "limit"), map(_grown, growths)
    )


def broken(run: Run, reached: Mapping[str, Result]) -> Iterator[str]:
    """What is worse than promised, a line each."""
    for key, found in run.results.items():
        for what in found.broken(reached.get(key)):
            yield f"{key}: {what}"


def seconds(value: float) -> str:
    """As people read them, with three figures."""
    value = float(f"{value:.3g}")
    unit, one = next(each for each in _UNITS if value >= each[1] or each is _UNITS[-1])
    return f"{value / one:.4g} {unit}"


def _compared(found: Comparison, before: Result | None) -> Iterator[Sequence[str]]:
    limits = before.ratios if isinstance(before, Comparison) else []
    limit = f"{limits[0] * MARGIN:.2f}" if limits else ""
    kit = (found.title, seconds(found.kit.cpu), seconds(found.kit.wall))
    asked = (f"{found.kit.statements}+{found.kit.control}", f"{found.kit.calls:,}")
    for number, (anchor, ratio) in enumerate(zip(found.anchors, found.ratios, strict=True)):
        beside = (seconds(anchor.cpu), anchor.who, f"{ratio:.2f}")
        if number:
            yield ("", "", "", *beside, "", "", "")
        else:
            yield (*kit, *beside, limit, *asked)


def _counted(found: Number, most: float | None) -> Sequence[str]:
    limit = "" if most is None else f"{most:,.10g}"
    return (found.title, f"{found.value:,.10g}", limit, found.beside)


def _grown(found: Growth) -> Sequence[str]:
    pages = "" if found.pages is None else "{:,} to {:,}".format(*found.pages)
    few, many = map(seconds, found.cpu)
    sizes = (f"{found.few:,}", few, f"{found.many:,}", many)
    return (found.title, *sizes, pages, f"{found.exponent:.3f}", f"{found.limit:g}")


def _columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell, after an empty line; nothing without rows."""
    table = [head, *rows]
    if len(table) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    yield ""
    for name, *cells in table:
        aligned = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *aligned]).rstrip()
