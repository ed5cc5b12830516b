"""docs/performance.md: what was reached on each database, and what it means for a site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from bench import aims, results
from bench.replay import NAME as OWN_SQL
from bench.results import MARGIN, Comparison, Figures, Growth, Number, Result, Run
from bench.table import seconds

R = TypeVar("R", Comparison, Growth, Number)

_HEAD = """\
# How fast it is

Every figure here was measured, each beside an *anchor*: something that does the same, or the least
that could, in the same run. This page is written by `python -m bench --write docs/performance.md`,
once for each database (`DATABASE=postgres`, `DATABASE=mariadb`); nothing in it is typed by hand.

**Processor time** is that of the site's process and of the one process or thread that serves its
connection, added up: what an answer costs you. It does not grow while something waits; on a machine
that others use, too, it does grow somewhat, and the ratios stay. Not in it are web server, network
and disk.
"""

_SITE = """
## What a site gets

On one core, with processor time of site and database added up; what a core does besides, such as
serving the web, comes off. Pages are what the widgets add to one of the site's. Nothing here waits
for the other but payments of the same user, and in SQLite whatever writes.
"""

_AIMS = """
## What was aimed at

A million uses a minute and a hundred thousand watchers, on two cores: that is 120 µs a use and
600 µs a heartbeat. The other aims were set by what was measured before the work began. Each cell is
what was reached, and in brackets the most that was aimed at. The aims for the admin were set for 10
million line items.
"""

_ANCHORS = f"""
## Beside the least that would do

- *{OWN_SQL}*: the statements that the kit sends, recorded and sent again by a bare cursor. What the
  kit needs beyond that is Python; what these need beyond the least is what rules, journal and
  triggers cost.
- *least SQL*: two tables with no rules, no journal and no triggers, and the one statement or two
  that do the work. It keeps none of the promises.
- *by hand*: one statement and joined strings that make the same HTML.
- *ancestor*: django-user-payments, which promises less.

*Beside* is how many times the anchor's processor time the kit needs: the median over rounds in
which they took turns. All other times are medians, too. *Clock* is what somebody waits: where
others use the machine, mostly for them. *Statements* + *control*: BEGIN, COMMIT and savepoints are
counted apart. *Calls* are those of Python functions. Rows of many name their number: statements and
calls are those of one run, times those of one of the many.

`make bench` fails where the first of *beside* passes its limit, which is what was reached and 15 %
more; where there are more statements of either kind than here; or where there are 15 % more calls.
What passes its limit is measured twice more, for twice as long, and fails only if it passes each
time.
"""

_GROWTH = """
## What grows

Line items of others should cost nothing, however many there are, and one's own no more than their
number. The *exponent* says it: with 0 a use costs the same in any books, with 1 it costs twice as
much where there is twice as much. *Pages* are those of tables and indexes that PostgreSQL touched;
an index of millions is one page deeper than one of thousands. Work that no table changes is
measured beside it, so that a machine that became slower meanwhile is not taken for growth. Where
the exponent is not below its limit, `make bench` fails.
"""

_NUMBERS = """
## Numbers with a limit of their own

All but the speed of the mixed load are the same on a busy machine.
"""


def runs() -> list[Run]:
    """What was reached, a run for each database."""
    kept = (results.read(path) for path in sorted(results.REACHED.glob("*.json")))
    return sorted((run for run in kept if run is not None), key=lambda run: run.database)


def text(runs: Sequence[Run]) -> str:
    """The page."""
    return "\n".join(_lines(runs)) + "\n"


def _lines(runs: Sequence[Run]) -> Iterator[str]:
    yield _HEAD
    for run in runs:
        yield f"- {run.database}: {run.date}, {run.software}, {run.machine}"
    yield _SITE
    yield from _site(runs)
    yield _AIMS
    yield from _aimed(runs)
    yield _ANCHORS
    for run in runs:
        yield f"### {run.database}\n"
        yield from _beside(_of(Comparison, run.results.values()))
        yield ""
    yield _GROWTH.lstrip("\n")
    for run in runs:
        yield f"### {run.database}, growth\n"
        yield from _grown(_of(Growth, run.results.values()))
        yield ""
    yield _NUMBERS.lstrip("\n")
    for run in runs:
        yield f"### {run.database}, numbers\n"
        yield from _numbers(_of(Number, run.results.values()))
        if run is not runs[-1]:
            yield ""


def _of(kind: type[R], found: Iterable[Result]) -> list[R]:
    return [each for each in found if isinstance(each, kind)]


def _site(runs: Sequence[Run]) -> Iterator[str]:
    """One line for each kind of work, one column for each database."""
    databases = [run.database for run in runs]
    titles = {
        each.key: (each.title, each.worth)
        for run in runs
        for each in _of(Comparison, run.results.values())
        if each.worth is not None
    }
    lines = []
    for key, (title, worth) in titles.items():
        cells = [_worth(run.results.get(key)) for run in runs]
        lines.append([title, *cells, worth.what])
    yield from _table(["Work", *databases, "On one core"], lines)


def _aimed(runs: Sequence[Run]) -> Iterator[str]:
    lines = []
    for aim in aims.AIMS:
        titles = [run.results[aim.key].title for run in runs if aim.key in run.results]
        what = ", ".join(filter(None, [*titles[-1:], aim.reading.what]))
        lines.append([what, *(aim.verdict(run) for run in runs)])
    yield from _table(["Aim", *(run.database for run in runs)], lines)


def _worth(found: Result | None) -> str:
    if not isinstance(found, Comparison) or found.worth is None:
        return ""
    return f"{seconds(found.kit.cpu)}: {_rounded(found.worth.number(found.kit.cpu))}"


def _rounded(number: float) -> str:
    """Two figures are all that another machine would say, too."""
    return f"{float(f'{number:.2g}'):,.0f}" if number >= 1 else f"{number:.1g}"


def _beside(found: Iterable[Comparison]) -> Iterator[str]:
    lines = []
    for each in found:
        first, *others = zip(each.anchors, each.ratios, strict=True)
        lines.append(
            [
                each.title,
                _split(each.kit),
                seconds(each.kit.wall),
                *(f"{each.kit.statements} + {each.kit.control}", f"{each.kit.calls:,}"),
                _ratio(*first),
                f"{first[1] * MARGIN:.2f}",
                ", ".join(_ratio(*other) for other in others),
            ]
        )
    head = ["Work", "Site + database", "Clock", "Statements + control", "Calls"]
    yield from _table([*head, "Beside", "Limit", "Beside others"], lines)


def _split(figures: Figures) -> str:
    """Where the time goes; a database in the site's own process is not told apart."""
    if not figures.server:
        return seconds(figures.client)
    return f"{seconds(figures.client)} + {seconds(figures.server)}"


def _ratio(anchor: Figures, ratio: float) -> str:
    return f"{ratio:.2f} of {anchor.who}"


def _grown(found: Iterable[Growth]) -> Iterator[str]:
    lines = [
        [
            each.title,
            *(f"{each.few:,}", f"{each.many:,}"),
            "{} to {}".format(*map(seconds, each.cpu)),
            "" if each.pages is None else "{:,} to {:,}".format(*each.pages),
            f"{each.exponent:.3f}",
            f"{each.limit:g}",
        ]
        for each in found
    ]
    head = ["Work, growing with", "From", "To", "Processor time", "Pages", "Exponent", "Limit"]
    yield from _table(head, lines)


def _numbers(found: Iterable[Number]) -> Iterator[str]:
    lines = [
        [each.title, f"{each.value:,.10g}", f"{each.most(each):,.10g}", each.beside]
        for each in found
    ]
    yield from _table(["What", "Number", "Limit", "Beside"], lines)


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *lines):
        yield f"| {' | '.join(cells)} |"
