"""The frame itself: a scenario that breaks its promise fails, and its line says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .frame import Scenario, Trial

TOLD = Scenario(0, "A title", "how", "what", "test_it")


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "report.jsonl"
    monkeypatch.setenv("TORTURE_REPORT", str(path))
    return path


@pytest.mark.django_db
def test_a_violation_fails_the_scenario_and_is_in_the_report(report: Path, trial: Trial) -> None:
    def broken() -> None:
        for number in trial.repeat(small=2, full=2):
            trial.check(number, "nothing is wrong but this")
        trial.canary(10, 7)
        trial.metric("p99", 12.3456, "ms")

    with pytest.raises(pytest.fail.Exception, match="1 violations in 2 trials:\nnothing is wrong"):
        trial.run(TOLD, broken)
    line = json.loads(report.read_text())
    assert (line["trials"], line["violations"]) == (2, 1)
    assert (line["canary_trials"], line["canary_violations"]) == (10, 7)
    assert line["metrics"] == {"p99": "12.35 ms"}
    assert line["command"].startswith("make torture SCENARIO=0 DATABASES=")


@pytest.mark.django_db
def test_a_scenario_that_stops_is_a_violation(report: Path, trial: Trial) -> None:
    def stops() -> None:
        raise RuntimeError("no way")

    with pytest.raises(RuntimeError):
        trial.run(TOLD, stops)
    assert json.loads(report.read_text())["shown"] == ["stopped by RuntimeError('no way')"]
