"""`make bench`: what we promise about speed, measured in one run.

Prints the table and exits with 1 where something has become worse than what was reached when
docs/performance.md was written, or passes a limit of its own. `DATABASE=postgres` or `mariadb`
measures there.

--write docs/performance.md keeps what this run reached, and writes the page anew from what was
reached on all databases. --size small measures little, to see that each row does its work: it
judges no times. --only record page measures these parts alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import django

from bench import results, sizes
from bench.results import Result, Run

#: In the order in which the books fill.
PARTS = (
    *("assets", "start", "record", "payments", "bulk", "page", "heartbeat", "mixed", "audit"),
    *("moving_in", "growth", "admin"),
)


def main() -> int:
    """Measure; 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", choices=["small", "large"], default="large")
    parser.add_argument("--only", choices=PARTS, default=PARTS, nargs="+", help="parts")
    parser.add_argument("--json", type=Path, help="where to keep what this run found")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="docs/performance.md")
    parser.add_argument(
        "--machine", default=f"{os.cpu_count()} cores", help="what the page says of it"
    )
    options = parser.parse_args()
    if options.write and (options.only != PARTS or options.size == "small"):
        parser.error("the page is made of all rows, in their large size")
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    django.setup()
    size = sizes.SMALL if options.size == "small" else sizes.LARGE
    return _run(size, options)


def _run(size: sizes.Size, options: argparse.Namespace) -> int:
    # They need the apps that setup has loaded.
    from django.db import connection

    from bench import bare, data, database, performance_page, table

    path = results.REACHED / f"{connection.vendor}.json"
    with database.fresh():
        bare.make()
        data.crowd(size.crowd)
        software = f"Django {django.__version__}, Python {platform.python_version()}"
        is_compared = size.is_timed and not options.write
        reached = _comparable(results.read(path), software) if is_compared else {}
        run = Run(
            kind=connection.vendor,
            database=database.name(),
            software=software,
            machine=options.machine,
            date=f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
            results=results.by_key(_results(size, options.only, reached)),
        )
    print(*table.lines(run, reached), sep="\n")
    if options.json:
        results.write(run, options.json)
    if options.write:
        results.write(run, path)
        options.write.write_text(performance_page.text(performance_page.runs()))
    broken = list(table.broken(run, reached))
    print(*broken, sep="\n", file=sys.stderr)
    return 1 if broken else 0


def _comparable(reached: Run | None, software: str) -> Mapping[str, Result]:
    """What was reached with the same software: another Python has another speed."""
    if reached is None or reached.software == software:
        return {} if reached is None else reached.results
    print(f"Not compared with what was reached with {reached.software}", file=sys.stderr)
    return {}


def _results(
    size: sizes.Size, parts: Sequence[str], reached: Mapping[str, Result]
) -> Iterator[Result]:
    from bench import contest
    from bench.contest import Row

    for row in _rows(size, parts):
        print(f"{dt.datetime.now():%H:%M:%S} {row.key}", file=sys.stderr, flush=True)
        if not isinstance(row, Row):
            yield row
            continue
        before = reached.get(row.key)
        found = contest.measure(row, seconds=size.seconds, least=size.least)
        # What is worse because somebody else used the machine is not worse three times.
        for _again in range(2):
            if not found.broken(before):
                break
            other = contest.measure(row, seconds=2 * size.seconds, least=size.least)
            found = min(found, other, key=lambda each: each.ratios[0])
        yield found


def _rows(size: sizes.Size, parts: Sequence[str]) -> Iterator[Any]:
    from bench.rows import growth

    # Before anything else: afterwards the books are not small any more.
    small = growth.in_small_books(size) if "growth" in parts else {}
    for name in PARTS:
        if name == "growth" and small:
            yield from growth.rows(size, small)
        elif name in parts and name != "growth":
            yield from import_module(f"bench.rows.{name}").rows(size)


if __name__ == "__main__":
    raise SystemExit(main())
