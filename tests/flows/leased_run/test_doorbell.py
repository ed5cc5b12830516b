"""A task queue is a doorbell: what it loses, doubles and shuffles costs time and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from payments_ui.core.models import Run, RunBatch
from payments_ui.core.runs import steering
from payments_ui.core.runs.counting import progress
from payments_ui.exceptions import NoEngineError
from payments_ui.flows.leased_run import doorbell, engine, work
from payments_ui.flows.leased_run.plan import start
from payments_ui.testing.psp import SandboxPSP
from tests.core.runs.support import first, let_run_out
from tests.fakes import taken

from .conftest import MakePayers
from .engine import LIBRARY, HeldBackend, answer_all

pytestmark = pytest.mark.django_db(transaction=True)
HELD = {"default": {"BACKEND": f"{HeldBackend.__module__}.HeldBackend"}}


@pytest.fixture(autouse=True)
def held(settings: Settings) -> Iterator[None]:
    settings.TASKS = HELD
    HeldBackend.bells.clear()
    yield
    HeldBackend.bells.clear()
    HeldBackend.is_down = False


def rung(run: Run) -> int:
    """The batches that were announced and not taken."""
    return run.batches.filter(rung_at__isnull=False).count()


def wait_long() -> None:
    """Let the announcements be old, as if nobody had come."""
    old = Run.objects.get().started_at.replace(year=2020)
    RunBatch.objects.filter(rung_at__isnull=False).update(rung_at=old)


def test_a_bell_is_two_texts(make_payers: MakePayers) -> None:
    make_payers(3)
    run = start(rings=True)
    assert doorbell.ring(run, engine.find) == 2
    args = [args for _task, args in HeldBackend.bells]
    assert args == [(str(run.pk), str(batch.pk)) for batch in run.batches.all()]


def test_a_bell_for_a_batch_that_somebody_has_is_no_work(
    make_payers: MakePayers, psp: SandboxPSP
) -> None:
    make_payers(1)
    run = start(rings=True)
    held = work.take(first(run).pk)
    assert held is not None
    engine.find().func(str(run.pk), str(held.pk))
    assert taken(psp) == 0


def test_workers_who_are_told_charge_everybody(make_payers: MakePayers, psp: SandboxPSP) -> None:
    make_payers(5)
    run = start(rings=True)
    doorbell.sweep(engine.find)
    assert answer_all() == 3
    assert progress(run).state == "done"
    assert taken(psp) == 25


@pytest.mark.parametrize("seed", range(2))
def test_an_engine_that_loses_and_doubles_and_shuffles_costs_time_only(
    make_payers: MakePayers, psp: SandboxPSP, seed: int
) -> None:
    make_payers(8)
    run = start(rings=True)
    for day in range(30):
        wait_long()
        doorbell.sweep(engine.find)
        answer_all(lose=0.5, double=0.3, seed=100 * seed + day)
    assert progress(run).state == "done"
    assert taken(psp) == 40


def test_only_some_batches_are_announced_at_a_time(
    make_payers: MakePayers, monkeypatch: pytest.MonkeyPatch, psp: SandboxPSP
) -> None:
    make_payers(10)
    monkeypatch.setattr(doorbell, "AHEAD", 2)
    run = start(rings=True)
    assert doorbell.ring(run, engine.find) == 2
    assert doorbell.ring(run, engine.find) == 0
    assert answer_all() == 5
    assert taken(psp) == 50


def test_nothing_is_announced_by_a_transaction_that_is_rolled_back(
    make_payers: MakePayers,
) -> None:
    make_payers(1)
    run = start(rings=True)
    with transaction.atomic():
        doorbell.ring(run, engine.find)
        assert not HeldBackend.bells
        transaction.set_rollback(True)
    assert not HeldBackend.bells
    assert doorbell.ring(run, engine.find) == 1


def test_a_queue_that_is_down_is_told_again_later(
    make_payers: MakePayers, caplog: pytest.LogCaptureFixture, psp: SandboxPSP
) -> None:
    make_payers(2)
    run = start(rings=True)
    HeldBackend.is_down = True
    doorbell.sweep(engine.find)
    assert "the queue is down" in caplog.text
    HeldBackend.is_down = False
    assert doorbell.sweep(engine.find) == 0
    wait_long()
    assert doorbell.sweep(engine.find) == 1
    answer_all()
    assert progress(run).state == "done"


def test_what_a_dead_worker_held_the_next_task_announces(
    make_payers: MakePayers, psp: SandboxPSP
) -> None:
    make_payers(3)
    run = start(rings=True)
    doorbell.sweep(engine.find)
    died = work.take(first(run).pk)
    assert died is not None
    HeldBackend.bells.pop(0)
    let_run_out(died)
    assert answer_all() == 2
    assert progress(run).state == "done"
    assert taken(psp) == 15


def test_a_task_whose_time_is_over_rings_for_the_rest(
    make_payers: MakePayers, site: dict[str, Any], psp: SandboxPSP
) -> None:
    make_payers(2)
    site["RUN_TIME_BOX"] = 0
    run = start(rings=True)
    doorbell.ring(run, engine.find)
    task, args = HeldBackend.bells.pop()
    task.func(*args)
    assert not psp.calls
    assert HeldBackend.bells == [(task, args)]
    site["RUN_TIME_BOX"] = 60
    answer_all()
    assert taken(psp) == 10


def test_a_run_that_stands_still_or_has_its_own_workers_is_not_announced(
    make_payers: MakePayers,
) -> None:
    make_payers(1)
    run = start()
    assert doorbell.ring(run, engine.find) == 0
    run = start(rings=True)
    steering.stop(run, by="ada")
    assert doorbell.ring(run, engine.find) == 0
    assert doorbell.sweep(engine.find) == 0


def test_whoever_announces_at_once_announces_once(make_payers: MakePayers) -> None:
    make_payers(1)
    run = start(rings=True)
    stale = RunBatch.objects.filter(run=run, rung_at__isnull=True)
    task = engine.find()
    assert doorbell._announce(task, run, stale)
    assert not doorbell._announce(task, run, stale)
    assert rung(run) == len(HeldBackend.bells) == 1


@pytest.mark.parametrize("name", ["ImmediateBackend", "DummyBackend"])
def test_a_backend_without_workers_is_refused(settings: Settings, name: str) -> None:
    module = "immediate" if name == "ImmediateBackend" else "dummy"
    settings.TASKS = {"default": {"BACKEND": f"{LIBRARY}.backends.{module}.{name}"}}
    with pytest.raises(NoEngineError, match=f"{name} of TASKS has no workers"):
        engine.find()


def test_a_backend_that_is_not_there_is_named(site: dict[str, Any]) -> None:
    site["RUN_BACKEND"] = "elsewhere"
    with pytest.raises(NoEngineError, match="TASKS names no queue"):
        engine.find()


def test_without_djangos_tasks_there_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> Any:
        raise ImportError("django_tasks")

    monkeypatch.setattr(engine, "import_module", missing)
    with pytest.raises(NoEngineError, match="install django-tasks"):
        engine.find()


def test_workers_are_told_of_a_run_that_is_resumed(
    make_payers: MakePayers, psp: SandboxPSP
) -> None:
    make_payers(1)
    run = start(rings=True)
    steering.stop(run, by="ada")
    assert not HeldBackend.bells
    steering.resume(run)
    answer_all()
    assert taken(psp) == 5
