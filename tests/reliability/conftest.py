"""The scenarios of docs/reliability.md: small here, full with `make torture`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from payments_ui.testing.psp import SandboxPSP

from . import site
from .frame import Scenario, Trial


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run on this database or in this size, and what SCENARIO does not name.

    `SCENARIO` is a number, or several with commas.
    """
    wanted = {int(number) for number in os.environ.get("SCENARIO", "").split(",") if number}
    left_out = [item for item in items if not _runs(item, wanted)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def _runs(item: pytest.Item, wanted: set[int]) -> bool:
    scenario: Scenario | None = getattr(getattr(item, "function", None), "scenario", None)
    if scenario is None:
        return not wanted
    return scenario.runs_here and (not wanted or scenario.number in wanted)


@pytest.fixture
def trial() -> Trial:
    """Count what is tried and what goes wrong."""
    return Trial()


@pytest.fixture
def psp(trial: Trial) -> Iterator[SandboxPSP]:
    """The PSP, whose ledger has to agree with our books when the scenario ends."""
    with site.new_psp() as psp:
        trial.psp = psp
        yield psp
