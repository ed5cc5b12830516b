"""A run begins, stops, goes on and ends."""

from __future__ import annotations

from unittest import mock

import pytest

from payments_ui import dates
from payments_ui.core.models import Run, RunBatch
from payments_ui.core.runs import steering
from payments_ui.core.runs.states import RunState
from tests.core.support import together

from .support import first, running

pytestmark = pytest.mark.django_db


def test_one_run_is_open() -> None:
    run = steering.begin()
    assert steering.begin() == run
    steering.go(run, RunState.PLANNING)
    assert steering.begin() == run
    steering.finish(run)
    assert steering.begin() != run


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_begin_at_once_all_get_the_same_run() -> None:
    runs = together(8, lambda _number: steering.begin())
    assert {run.pk for run in runs} == {Run.objects.get().pk}


def test_who_is_a_moment_late_gets_the_run_of_the_other() -> None:
    found = Run.objects.filter
    other: list[Run] = []

    def late(**conditions: object) -> object:
        rows = found(**conditions)
        if not other:
            # Looked up before the other one's commit.
            rows = rows.none()
            other.append(Run.objects.create())
        return rows

    with mock.patch.object(Run.objects, "filter", late):
        assert steering.begin() == other[0]


def test_a_run_that_was_stopped_goes_on() -> None:
    run = running({"done": 3}, {"done": 1})
    assert steering.stop(run, by="stopped by ada")
    assert not steering.is_running(run)
    assert (run.state, run.note) == ("stopped", "stopped by ada")
    assert not steering.stop(run, by="bob")
    assert steering.resume(run)
    assert steering.is_running(run)
    assert (run.note, run.done_before) == ("", 4)
    assert not steering.resume(run)


def test_an_outage_interrupts_a_run_and_a_person_can_stop_it_then() -> None:
    run = running()
    assert steering.interrupt(run, why="cards does not answer")
    assert run.state == "interrupted"
    assert steering.stop(run, by="ada")
    assert not steering.interrupt(run, why="again")


def test_a_run_ends_with_its_last_batch() -> None:
    run = running({}, {})
    assert not steering.finish(run)
    RunBatch.objects.filter(pk=first(run).pk).update(ended_at=run.started_at)
    assert not steering.finish(run)
    RunBatch.objects.update(ended_at=run.started_at)
    assert steering.finish(run)
    run.refresh_from_db()
    assert run.state == "done"
    assert run.ended_at is not None


def test_they_say_what_they_are() -> None:
    run = running({"done": 2, "payers": 7})
    assert str(run) == dates.format_moment(run.started_at)
    assert str(first(run)) == "1: 2/7"
