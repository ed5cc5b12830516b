"""docs/reliability.md lists what the code has, and what it lists went well."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

from tests import reliability as package

from . import page
from .frame import Scenario, database_version

PAGE = page.PAGE
LINE = {
    "number": 1,
    "title": "A title",
    "provoked": "how",
    "promised": "what",
    "trials": 3,
    "violations": 0,
    "canary_trials": 4,
    "canary_violations": 3,
    "metrics": {"p99": "3 ms"},
    "database": "SQLite 3.40",
    "seconds": 1.5,
    "full": True,
    "command": "make torture SCENARIO=1 DATABASES=sqlite",
}


def scenarios() -> Iterator[Scenario]:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.rpartition(".")[2].startswith("test_"):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(found := getattr(value, "scenario", None), Scenario):
                    yield found


def test_every_scenario_is_on_the_page() -> None:
    headings = set(re.findall(r"^### (.+)$", PAGE.read_text("utf-8"), re.MULTILINE))
    assert {f"{scenario.number}. {scenario.title}" for scenario in scenarios()} - headings == set()


def test_no_scenario_on_the_page_has_a_violation() -> None:
    rows = re.findall(
        r"^\| \d+ \| .+? \| [\d,]+ \| ([\d,]+) \|", PAGE.read_text("utf-8"), re.MULTILINE
    )
    assert rows
    assert set(rows) == {"0"}


def test_the_page_says_what_was_seen() -> None:
    run = {"date": "today", "commit": "abc", "machine": "2 cores", "software": "Python"}
    other = {**LINE, "database": "PostgreSQL 15", "trials": 2000, "title": "Z"}
    text = "\n".join(page.page(run, [other, LINE]))
    assert "- Databases: PostgreSQL 15, SQLite 3.40" in text
    assert "| 1 | A title | 3 | 0 | 3 of 4 | SQLite | 2 |" in text
    assert "### 1. Z" in text
    assert "| PostgreSQL 15 | 2,000 | 0 | 3 of 4 | p99 3 ms | 1.5 |" in text
    assert "Repeat it: `make torture SCENARIO=1`" in text


@pytest.mark.django_db
def test_databases_are_named_as_people_know_them() -> None:
    assert re.fullmatch(r"(SQLite|PostgreSQL|MariaDB) [\d.]+", database_version())
