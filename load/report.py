"""What was seen: a table for people, and a line for docs/reliability.md."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Stats = list[dict[str, Any]]


def tell(stats: Stats, wrong: list[str], seconds: float, size: int) -> int:
    """Print the table and write the line; 1 where something is wrong."""
    wrong = [*failures(stats), *wrong]
    for row in sorted(stats, key=lambda one: -one["num_requests"]):
        times = Counter({float(ms): n for ms, n in row["response_times"].items()})
        number = row["num_requests"]
        p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
        print(
            f"{row['method']:<5}{row['name']:<45} {number:>6} requests {number / size:>7.1f} /s"
            f"  p50 {p50:>6.0f} ms  p99 {p99:>6.0f} ms"
        )
    print(*(f"WRONG: {one}" for one in wrong), sep="\n")
    _write(line(stats, wrong, seconds, size))
    return 1 if wrong else 0


def failures(stats: Stats) -> Iterable[str]:
    for row in stats:
        if row["num_failures"]:
            yield f"{row['num_failures']} of {row['num_requests']} failed: {row['name']}"
    if not stats:
        yield "nobody came"


def percentile(times: Counter[float], share: float) -> float:
    """Milliseconds that this share of the requests did not take longer than."""
    left = times.total() * share
    for milliseconds in sorted(times):
        left -= times[milliseconds]
        if left <= 0:
            return milliseconds
    return 0.0


def line(stats: Stats, wrong: list[str], seconds: float, size: int) -> dict[str, Any]:
    """As the scenarios of tests/reliability report themselves."""
    from bench.database import name

    requests = sum(row["num_requests"] for row in stats)
    every = Counter[float]()
    for row in stats:
        every.update({float(ms): number for ms, number in row["response_times"].items()})
    return {
        "number": 41,
        "title": "Load",
        "provoked": "200 people on the example site under gunicorn record uses, poll and pay, by "
        "Locust",
        "promised": "no error, the auditor finds nothing, the PSP's books equal ours",
        "test": "load",
        "trials": requests,
        "violations": len(wrong),
        "shown": wrong[:20],
        "canary_trials": 0,
        "canary_violations": 0,
        "metrics": {
            "requests": f"{requests / size:.0f} /s",
            "p50": f"{percentile(every, 0.5):.0f} ms",
            "p99": f"{percentile(every, 0.99):.0f} ms",
        },
        "database": name().partition(" (")[0],
        "seconds": round(seconds, 2),
        "full": os.environ.get("TORTURE") == "1",
        "command": "make load",
    }


def _write(told: dict[str, Any]) -> None:
    if path := os.environ.get("TORTURE_REPORT"):
        with Path(path).open("a", encoding="utf-8") as report:
            report.write(json.dumps(told) + "\n")
