"""Each row of the benchmark does its work, and the page says what was reached.

Times are judged by `make bench` alone, on a machine at rest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import aims, performance_page, results, table
from bench.__main__ import _comparable
from bench.results import Comparison, Figures, Growth, Number, Result, Run

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/performance.md"


def test_each_row_does_its_work_and_is_on_the_page(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    command = [sys.executable, "-m", "bench", "--size", "small", "--json", str(found)]
    done = subprocess.run(  # noqa: S603 - our own
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = results.read(found)
    assert run is not None
    (reached,) = (each for each in performance_page.runs() if each.kind == run.kind)
    assert list(run.results) == list(reached.results)


def test_the_page_is_written_from_what_was_reached() -> None:
    assert PAGE.read_text() == performance_page.text(performance_page.runs())


def test_a_comparison_may_need_a_seventh_more_than_was_reached() -> None:
    reached = comparison()
    assert comparison(ratio=2.29).broken(reached) == []
    assert comparison(ratio=2.31).broken(reached) == ["2.31 of ancestor, 2.00 was reached"]
    assert comparison(statements=4).broken(reached) == ["4 statements, 3 were enough"]
    assert comparison(control=3).broken(reached) == ["3 of transaction control, 2 were enough"]
    assert comparison(calls=116).broken(reached) == ["116 calls, 100 were enough"]
    assert comparison(ratio=9).broken(None) == []


def test_a_number_has_a_limit_of_its_own_or_what_was_reached() -> None:
    assert Number(key="a", title="A", value=9, limit=9).broken(None) == []
    assert Number(key="a", title="A", value=10, limit=9).broken(None) == ["10 is more than 9"]
    assert Number(key="a", title="A", value=10).broken(None) == []
    reached = Number(key="a", title="A", value=100)
    assert Number(key="a", title="A", value=114).broken(reached) == []
    assert Number(key="a", title="A", value=116).broken(reached) == ["116 is more than 115"]


def test_growth_stays_below_its_exponent() -> None:
    assert growth(0.049).broken(None) == []
    assert growth(0.05).broken(None) == ["grows with the power 0.05, 0.05 is promised"]


def test_the_tables_say_what_is_promised_and_what_is_broken(tmp_path: Path) -> None:
    found: list[Result] = [
        comparison(ratio=3),
        Number(key="bytes", title="bytes", value=10, limit=9),
        growth(0.01),
    ]
    results.write(run(*found), tmp_path / "run.json")
    kept = results.read(tmp_path / "run.json")
    assert kept == run(*found)
    shown = [" ".join(line.split()) for line in table.lines(kept, {"record": comparison()})]
    assert "record 3 ms 4 ms 1.5 ms ancestor 3.00 2.30 3+2 100" in shown
    assert "bytes 10 9" in shown
    assert "record 10 2 ms 1,000 2.1 ms 7 to 8 0.010 0.05" in shown
    assert list(table.broken(kept, {"record": comparison()})) == [
        "record: 3.00 of ancestor, 2.00 was reached",
        "bytes: 10 is more than 9",
    ]


def test_an_aim_is_met_or_missed_and_says_by_how_much() -> None:
    found = run(comparison(ratio=1.3), growth(0.02))
    of_ancestor = aims.Aim("record", aims.BESIDE, 1.2)
    assert of_ancestor.verdict(found) == "1.30, **missed** (1.20)"
    assert of_ancestor._replace(most=1.3).verdict(found) == "1.30, met (1.30)"
    in_time = aims.Aim("record", aims.TIME, {"sqlite": 0.003})
    assert in_time.verdict(found) == "3 ms, met (3 ms)"
    assert in_time._replace(most={"mysql": 0.003}).verdict(found) == ""
    assert aims.Aim("growth", aims.AT_MANY, 0.002).verdict(found) == "2.1 ms, **missed** (2 ms)"
    assert aims.Aim("elsewhere", aims.TIME, 1).verdict(found) == ""


def test_each_aim_is_about_a_row_of_the_page() -> None:
    rows = {key for run in performance_page.runs() for key in run.results}
    assert {aim.key for aim in aims.AIMS} <= rows


def test_another_python_is_not_compared_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    reached = run(comparison())
    assert _comparable(reached, "Django 5.2") == reached.results
    assert capsys.readouterr().err == ""
    assert _comparable(reached, "Django 6.0") == {}
    assert capsys.readouterr().err == "Not compared with what was reached with Django 5.2\n"
    assert _comparable(None, "Django 6.0") == {}


def comparison(
    *, ratio: float = 2, statements: int = 3, control: int = 2, calls: int = 100
) -> Comparison:
    anchor = Figures(
        who="ancestor", client=0.001, server=0.0005, wall=0.002, statements=1, control=0, calls=10
    )
    kit = Figures(
        who="kit",
        client=0.002,
        server=0.001,
        wall=0.004,
        statements=statements,
        control=control,
        calls=calls,
    )
    return Comparison(key="record", title="record", kit=kit, anchors=[anchor], ratios=[ratio])


def growth(exponent: float) -> Growth:
    return Growth(
        key="growth",
        title="record",
        few=10,
        many=1_000,
        cpu=[0.002, 0.0021],
        pages=[7, 8],
        exponent=exponent,
        limit=0.05,
    )


def run(*found: Result) -> Run:
    return Run(
        kind="sqlite",
        database="SQLite 3",
        software="Django 5.2",
        machine="2 cores",
        date="2026-11-28",
        results=results.by_key(found),
    )
