"""Scenarios of docs/reliability.md that need a browser: counted and reported like all others."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.stage import Site
from tests.reliability.frame import SHOWN, Scenario, Trial


def told(number: int, title: str, *, provoked: str, promised: str) -> pytest.MarkDecorator:
    """Say what the report says of a test before it has run."""
    return pytest.mark.told(Scenario(number, title, provoked, promised, "", ("sqlite",)))


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", "told: what the reliability report says of it")


@pytest.fixture
def trial(request: pytest.FixtureRequest, site: Site) -> Iterator[Trial]:
    """Count what is tried and what goes wrong; the site's auditor looks at its books, too."""
    trial, began = Trial(), time.monotonic()
    yield trial
    audit = site.direct("audit")["findings"]
    trial.violations += [f"audit: {finding}" for finding in audit]
    if getattr(request.node, "failed", False):
        trial.violation("the test has failed")
    _report(request.node, trial, time.monotonic() - began)
    assert trial.violations == []


def _report(test: Any, trial: Trial, seconds: float) -> None:
    path = os.environ.get("TORTURE_REPORT")
    if not path:
        return
    scenario: Scenario = test.get_closest_marker("told").args[0]
    line = {
        **{name: getattr(scenario, name) for name in ("number", "title", "provoked", "promised")},
        "test": test.name,
        "trials": trial.trials,
        "violations": len(trial.violations),
        "shown": trial.violations[:SHOWN],
        "canary_trials": trial.canary_trials,
        "canary_violations": trial.canary_violations,
        "metrics": trial.metrics,
        "database": "SQLite in Chromium",
        "seconds": round(seconds, 2),
        "full": trial.full,
        "command": "make e2e ARGS=e2e/reliability",
    }
    with Path(path).open("a", encoding="utf-8") as report:
        report.write(json.dumps(line) + "\n")
