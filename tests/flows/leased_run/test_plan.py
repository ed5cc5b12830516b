"""A run is cut into batches, once, whoever plans it and however often they are interrupted."""

from __future__ import annotations

from unittest import mock

import pytest
from django.contrib.auth.models import User

from payments_ui.core.models import Run, RunBatch
from payments_ui.core.runs import steering
from payments_ui.exceptions import RunStoppedError
from payments_ui.flows.leased_run import plan
from payments_ui.flows.leased_run.plan import start
from tests.conftest import UserFactory
from tests.core.support import record, together

from .conftest import MakePayers

pytestmark = pytest.mark.django_db


def ranges(run: Run) -> list[tuple[str, str, int]]:
    return list(run.batches.values_list("after", "upto", "payers"))


def keys(users: list[User]) -> list[str]:
    return [str(user.pk) for user in users]


def test_batches_are_ranges_of_keys(make_payers: MakePayers) -> None:
    a, b, c, d, e = keys(make_payers(5))
    run = start()
    assert run.state == "running"
    assert ranges(run) == [("", b, 2), (b, d, 2), (d, e, 1)]
    assert (a < c) == (int(a) < int(c))


def test_a_batch_has_all_currencies_of_its_payers(make_payers: MakePayers) -> None:
    one, two, three = make_payers(3)
    for currency in ("EUR", "USD"):
        record(one, "5", currency=currency)
    record(two, "5", currency="EUR")
    assert ranges(start()) == [
        ("", str(one.pk), 3),
        (str(one.pk), str(two.pk), 2),
        (str(two.pk), str(three.pk), 1),
    ]


def test_nobody_owes_anything() -> None:
    assert start().state == "done"
    assert not RunBatch.objects.exists()


def test_a_plan_that_was_interrupted_is_completed(make_payers: MakePayers) -> None:
    users = keys(make_payers(5))
    run = steering.begin()
    RunBatch.objects.create(run=run, number=1, upto=users[0], payers=1)
    assert start() == run
    assert ranges(run) == [("", users[0], 1), (users[0], users[2], 2), (users[2], users[4], 2)]


def test_many_payers_are_planned_in_several_queries(make_payers: MakePayers) -> None:
    make_payers(7)
    with mock.patch.object(plan, "_AHEAD", 1):
        run = start()
    assert [payers for _after, _upto, payers in ranges(run)] == [2, 2, 2, 1]


@pytest.mark.django_db(transaction=True)
def test_four_commands_at_once_make_one_plan(make_payers: MakePayers) -> None:
    users = keys(make_payers(9))
    runs = together(4, lambda _number: start())
    assert {run.pk for run in runs} == {Run.objects.get().pk}
    afters = [after for after, _upto, _payers in ranges(runs[0])]
    uptos = [upto for _after, upto, _payers in ranges(runs[0])]
    assert afters == ["", *uptos[:-1]]
    assert uptos[-1] == users[-1]


def test_two_who_plan_the_same_batch_write_it_once(make_payers: MakePayers) -> None:
    users = keys(make_payers(3))
    batches = plan._batches

    def and_the_other(run: Run, number: int, upto: str) -> list[RunBatch]:
        new = batches(run, number, upto)
        if new and not run.batches.filter(number=number).exists():
            RunBatch.objects.bulk_create(batches(run, number, upto))
        return new

    with mock.patch.object(plan, "_batches", and_the_other):
        run = start()
    assert ranges(run) == [("", users[1], 2), (users[1], users[2], 1)]


def test_what_a_person_stopped_only_a_person_resumes(make_payers: MakePayers) -> None:
    make_payers(1)
    run = start()
    steering.stop(run, by="Stopped by ada.")
    with pytest.raises(RunStoppedError, match="Stopped by ada"):
        start()
    assert start(resume=True).state == "running"


def test_what_an_outage_interrupted_the_next_command_resumes(make_payers: MakePayers) -> None:
    make_payers(1)
    run = start()
    steering.interrupt(run, why="cards does not answer")
    assert start(rings=True) == run
    run.refresh_from_db()
    assert (run.state, run.rings) == ("running", True)


def test_who_owes_since_the_plan_waits_for_the_next_run(
    make_payers: MakePayers, make_user: UserFactory
) -> None:
    users = keys(make_payers(1))
    run = start()
    record(make_user(), "5")
    assert start() == run
    assert ranges(run) == [("", users[0], 1)]
