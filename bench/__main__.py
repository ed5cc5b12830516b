"""`make bench`: what we promise about speed, measured in one run.

Contestants take turns, and what is compared is the median of the ratios over the turns: seconds
of two runs, or of two machines, say little. `DATABASE=postgres` or `mariadb` measures there.
`--quick` measures little, to see that the benchmark itself works: it judges numbers of queries,
memory and sizes, and no times.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import replace

import django

from bench.table import Row


def main() -> int:
    """Print the table; 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works, in seconds")
    quick: bool = parser.parse_args().quick
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    django.setup()
    return _run(quick)


def _run(quick: bool) -> int:
    # They need the apps that setup has loaded.
    from bench import data, database, table

    with database.fresh():
        data.crowd()
        django_and_python = f"Django {django.__version__}, Python {platform.python_version()}"
        print(f"{database.name()}, {django_and_python}", flush=True)
        rows = list(_rows(quick))
    print(*table.lines(rows), sep="\n")
    return 0 if all(row.ok for row in rows) else 1


def _rows(quick: bool) -> Iterator[Row]:
    from bench import auditor, create_pending, growth, heartbeat, mixed, page, size

    # SQLite has one writer at a time, whoever keeps the books. Last the one that fills the tables.
    at_once = [mixed] if os.environ.get("DATABASE") == "postgres" else []
    for part in (size, heartbeat, page, create_pending, *at_once, auditor, growth):
        for row in part.rows(quick):
            print(".", end="", file=sys.stderr, flush=True)
            yield replace(row, judged=False) if quick and row.is_timed else row
    print(file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
