"""Several processes on one machine, without any queue."""

from __future__ import annotations

import os
import sys
from typing import Any
from unittest import mock

import pytest

from payments_ui.core.runs.counting import progress
from payments_ui.flows.leased_run import processes, work
from payments_ui.flows.leased_run.plan import start
from payments_ui.testing.psp import SandboxPSP
from tests.fakes import taken

from .conftest import MakePayers

pytestmark = pytest.mark.django_db


class Process:
    """A worker that has started, and ends after it was looked at once."""

    started: list[list[str]] = []

    def __init__(self, command: list[str], **options: Any) -> None:
        self.started.append(command)
        assert os.getcwd() in options["env"]["PYTHONPATH"].split(os.pathsep)
        self.looked = self.ended = False

    def poll(self) -> int | None:
        looked, self.looked = self.looked, True
        return 0 if looked else None

    def terminate(self) -> None:
        self.ended = True

    def wait(self) -> None:
        assert self.ended


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands that were started; none runs."""
    monkeypatch.setattr("subprocess.Popen", Process)
    monkeypatch.setattr(processes, "_LOOK", 0)
    Process.started = []
    return Process.started


def test_one_worker_is_this_process(
    make_payers: MakePayers, psp: SandboxPSP, started: list[list[str]]
) -> None:
    make_payers(3)
    processes.work_here(start())
    assert taken(psp) == 15
    assert not started


def test_each_other_worker_is_a_command_for_the_same_run(
    make_payers: MakePayers, psp: SandboxPSP, started: list[list[str]]
) -> None:
    make_payers(3)
    run = start()
    processes.work_here(run, workers=3)
    command = [sys.executable, "-m", "django", "process_payments", "--run", str(run.pk)]
    assert started == [command, command]
    assert progress(run).charged == 3


def test_the_others_end_where_this_one_fails(
    make_payers: MakePayers, started: list[list[str]]
) -> None:
    make_payers(1)
    with (
        mock.patch.object(Process, "terminate") as terminate,
        mock.patch.object(Process, "wait"),
        mock.patch.object(work, "work", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        processes.work_here(start(), workers=2)
    terminate.assert_called_once_with()
