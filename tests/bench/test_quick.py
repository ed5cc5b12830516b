"""The benchmark itself works. Times are judged by `make bench` alone, on a machine at rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.table import Row, duration, lines, number

ROOT = Path(__file__).resolve().parents[2]


def test_a_quick_run_keeps_every_promise_but_those_about_time() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for name in ("create_pending", "widget", "heartbeat", "CSS", "audit"):
        assert f"\n{name}" in run.stdout


def test_the_table_says_which_promise_is_broken() -> None:
    kept = number("queries", 6, 6, 5)
    broken = duration("slow", 0.003, 0.002, 1.5, 1.2)
    assert kept.ok
    assert not broken.ok
    assert [line.split() for line in lines([kept, broken])] == [
        ["name", "ours", "other", "ratio", "limit", "ok"],
        ["queries", "6", "5", "6", "yes"],
        ["slow", "3.00", "ms", "2.00", "ms", "1.50", "1.2", "NO"],
    ]


def test_what_is_not_judged_is_not_broken() -> None:
    assert Row("slow", "3", "2", 1.5, 1.2, judged=False).ok
