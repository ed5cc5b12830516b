"""Run every scenario of tests/reliability at full size on each database, and print one table.

    python scripts/torture.py [--databases "postgres mariadb sqlite"] [--scenario 1,27] [--small]

It goes on after a failure. What was seen is in build/torture.jsonl, a line for each scenario and
database; a run of everything makes docs/reliability.md of it. Exit code 1 if anything failed. The
scenarios whose speed is measured run alone, all others two at a time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "build" / "torture.jsonl"
DATABASES = "postgres mariadb sqlite"
TIMED = ("tests/reliability/test_load.py", "tests/reliability/test_run_speed.py")
PYTEST = ("-m", "pytest", "--quiet", "-p", "no:cacheprovider", "--durations", "5")


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for; 1 where something failed."""
    options = _options(argv)
    began = time.monotonic()
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({"run": facts()}) + "\n", encoding="utf-8")
    failed = [name for name, code in _runs(options) if code]
    lines = [json.loads(line) for line in REPORT.read_text("utf-8").splitlines()[1:]]
    print("\n".join(table(lines)))
    broken = sum(line["violations"] for line in lines)
    print(f"{len(lines)} lines, {broken} violations, {(time.monotonic() - began) / 60:.0f} minutes")
    print(f"failed: {', '.join(failed)}" if failed else "nothing failed", f"-> {REPORT}")
    if is_whole(options):
        subprocess.run([sys.executable, "-m", "tests.reliability.page"], cwd=ROOT, check=True)
    return 1 if failed or broken else 0


def is_whole(options: argparse.Namespace) -> bool:
    """Whether everything runs, everywhere."""
    return not options.scenario and options.databases == DATABASES


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--databases", default=DATABASES, help=f"default: {DATABASES}")
    parser.add_argument("--scenario", default="", help="numbers, with commas; default: all")
    parser.add_argument("--small", action="store_true", help="in the size of the unit tests")
    return parser.parse_args(argv)


def facts() -> dict[str, str]:
    """When this runs, of which commit, on what kind of machine."""
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "machine": f"{os.cpu_count()} cores, {_memory()} GB, {platform.machine()}",
        "software": f"Python {platform.python_version()}, Django {django.get_version()}",
    }


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--", "payments_ui", "tests", "scripts")
    return f"{commit}, with changes" if changed else commit


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _runs(options: argparse.Namespace) -> Iterator[tuple[str, int]]:
    for kind in options.databases.split():
        environment = _environment(kind, options)
        if kind != "sqlite":
            subprocess.run(["scripts/database", kind], cwd=ROOT, check=False, capture_output=True)
        others = (
            "tests/reliability",
            *(f"--ignore={path}" for path in TIMED),
            "--numprocesses",
            "2",
            "--dist",
            "worksteal",
        )
        for part, words in {"timed": TIMED, "others": others}.items():
            yield f"{kind} {part}", _run(f"{kind}, {part}", [*PYTEST, *words], environment)
    if is_whole(options) and not options.small:
        yield from _extras(_environment("postgres", options))


def _environment(kind: str, options: argparse.Namespace) -> dict[str, str]:
    environment = {
        **os.environ,
        "DATABASE": kind,
        "DATABASE_NAME": os.environ.get("DATABASE_NAME", "payments_ui_torture"),
        "TORTURE": "0" if options.small else "1",
        "TORTURE_REPORT": str(REPORT),
        "SCENARIO": options.scenario,
    }
    if kind == "postgres":
        environment.setdefault("DATABASE_PASSWORD", "postgres")
    return environment


def _extras(environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """What needs a browser, and the load by many people, where the tools are installed."""
    if (ROOT / "e2e" / "reliability").is_dir():
        words = [*PYTEST, "e2e/reliability"]
        yield "browser", _run("browser", words, environment | {"DATABASE": "sqlite"})
    if (ROOT / "load").is_dir():
        yield "load", _run("load", ["-m", "load"], environment)


def _run(name: str, words: list[str], environment: dict[str, str]) -> int:
    print(f"--- {name}", flush=True)
    code = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, check=False)
    # 5: SCENARIO leaves nothing of this part.
    return 0 if code.returncode == 5 else code.returncode


def table(lines: list[dict[str, object]]) -> Iterator[str]:
    """The report for a terminal."""
    form = "{:>3}  {:<42} {:<20} {:>8} {:>10} {:>13} {:>8}"
    yield form.format("#", "scenario", "database", "trials", "violations", "canary", "seconds")
    for line in sorted(lines, key=lambda line: (line["number"], line["title"], line["database"])):
        canary = f"{line['canary_violations']}/{line['canary_trials']}"
        yield form.format(
            str(line["number"]),
            str(line["title"])[:42],
            str(line["database"]),
            str(line["trials"]),
            str(line["violations"]),
            canary if line["canary_trials"] else "",
            f"{line['seconds']:.1f}",
        )


if __name__ == "__main__":
    raise SystemExit(main())
