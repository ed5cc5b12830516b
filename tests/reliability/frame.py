"""How a scenario of the reliability report is written: provoked, promised, counted, audited.

    @scenario(1, "Double click", provoked="8 threads call create_pending", promised="one payment")
    def test_a_double_click_makes_one_payment(trial: Trial, make_user: UserFactory) -> None:
        for _ in trial.repeat(small=3, full=1000):
            ...
            if wrong:
                trial.violation("two payments")

Small by default, so that `make test` stays fast; full with TORTURE=1 (`make torture`). A violation
fails the test at its end, and so does a finding of the auditor, or a difference between our
database and the ledger of a PSP that took part (`trial.psp`).
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import pytest
from django.db import connection

from payments_ui.core.audit import audit
from payments_ui.testing.psp_comparison import compare

if TYPE_CHECKING:
    from payments_ui.testing.psp import SandboxPSP

P = ParamSpec("P")

FULL = os.environ.get("TORTURE") == "1"
DATABASES = ("sqlite", "postgres", "mariadb")
# Of the texts of violations; all are counted.
SHOWN = 20


@dataclass(frozen=True)
class Scenario:
    """What the report says of a test before it has run."""

    number: int
    title: str
    provoked: str
    promised: str
    test: str
    databases: tuple[str, ...] = DATABASES
    full_only: bool = False

    @property
    def command(self) -> str:
        """What repeats it, on one database."""
        return f"make torture SCENARIO={self.number} DATABASES={database_kind()}"

    @property
    def runs_here(self) -> bool:
        return database_kind() in self.databases and (FULL or not self.full_only)


def scenario(
    number: int,
    title: str,
    *,
    provoked: str,
    promised: str,
    databases: tuple[str, ...] = DATABASES,
    full_only: bool = False,
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Make a test that takes the fixture ``trial`` a scenario of the report.

    Several tests may share a number; each has a title, and a line in the report, of its own.
    """

    def decorate(test: Callable[P, None]) -> Callable[P, None]:
        described = Scenario(number, title, provoked, promised, test.__name__, databases, full_only)

        @functools.wraps(test)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            trial = kwargs["trial"]
            assert isinstance(trial, Trial)
            trial.run(described, lambda: test(*args, **kwargs))

        run.scenario = described  # type: ignore[attr-defined]
        return pytest.mark.django_db(transaction=True)(run)

    return decorate


@dataclass
class Trial:
    """Counts what a scenario tries and what goes wrong. Threads may share it.

    `psp`: the PSP that took part; its ledger and our database have to agree at the end.
    """

    psp: SandboxPSP | None = None
    full: bool = FULL
    trials: int = 0
    violations: list[str] = field(default_factory=list)
    canary_trials: int = 0
    canary_violations: int = 0
    metrics: dict[str, str] = field(default_factory=dict)

    def size(self, *, small: int, full: int) -> int:
        """The number that fits this run."""
        return full if self.full else small

    def repeat(self, *, small: int, full: int) -> Iterator[int]:
        """The numbers of the trials, each counted."""
        for number in range(self.size(small=small, full=full)):
            self.trials += 1
            yield number

    def tried(self, count: int = 1) -> None:
        """Count trials that were not counted by ``repeat``."""
        self.trials += count

    def violation(self, text: str) -> None:
        """A promise was broken; the test goes on, and fails at its end."""
        self.violations.append(text)

    def check(self, promise: object, text: str) -> None:
        """Unless the promise is kept, this is a violation."""
        if not promise:
            self.violation(text)

    def canary(self, trials: int, violations: int) -> None:
        """How often the naive order of steps broke the promise under the same fire."""
        self.canary_trials += trials
        self.canary_violations += violations

    def metric(self, name: str, value: float, unit: str = "") -> None:
        """A number that the report shows."""
        self.metrics[name] = f"{value:.4g} {unit}".strip()

    def run(self, scenario: Scenario, test: Callable[[], None]) -> None:
        """Run the test, look at the books, write the line of the report, fail if anything is."""
        began = time.monotonic()
        try:
            test()
            self.violations += [f"audit: {finding}" for finding in findings()]
            self.violations += [f"PSP: {one}" for one in differences(self.psp)]
        except BaseException as error:
            self.violation(f"stopped by {error!r}")
            raise
        finally:
            _report(scenario, self, time.monotonic() - began)
        if self.violations:
            shown = "\n".join(self.violations[:SHOWN])
            pytest.fail(f"{len(self.violations)} violations in {self.trials} trials:\n{shown}")


def findings() -> list[str]:
    """What the auditor finds in the database."""
    return [str(finding) for finding in audit()]


def differences(psp: SandboxPSP | None) -> list[str]:
    """Where the ledger of the PSP and our database differ."""
    return compare(psp) if psp else []


def database_kind() -> str:
    """The name `DATABASE` has for the database in use."""
    if connection.vendor == "mysql":
        return "mariadb"
    return "postgres" if connection.vendor == "postgresql" else "sqlite"


def database_version() -> str:
    """The database in use, for people."""
    names = {"sqlite": "SQLite", "postgres": "PostgreSQL", "mariadb": "MariaDB"}
    version = ".".join(str(part) for part in connection.get_database_version())
    return f"{names[database_kind()]} {version}"


def _report(scenario: Scenario, trial: Trial, seconds: float) -> None:
    path = os.environ.get("TORTURE_REPORT")
    if not path:
        return
    line = {
        "number": scenario.number,
        "title": scenario.title,
        "provoked": scenario.provoked,
        "promised": scenario.promised,
        "test": scenario.test,
        "trials": trial.trials,
        "violations": len(trial.violations),
        "shown": trial.violations[:SHOWN],
        "canary_trials": trial.canary_trials,
        "canary_violations": trial.canary_violations,
        "metrics": trial.metrics,
        "database": database_version(),
        "seconds": round(seconds, 2),
        "full": trial.full,
        "command": scenario.command,
    }
    # One write, so that lines of workers side by side do not mix.
    with Path(path).open("a", encoding="utf-8") as report:
        report.write(json.dumps(line) + "\n")
