"""Workers charge everybody once, whatever becomes of them."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from payments_ui.core.attempts.outcomes import Unknown
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Payment, Run, RunBatch
from payments_ui.core.processing import Outcome
from payments_ui.core.runs import leases, steering
from payments_ui.core.runs.counting import progress
from payments_ui.flows import processors
from payments_ui.flows.charge_payers import next_payment
from payments_ui.flows.leased_run import work
from payments_ui.flows.leased_run.plan import start
from payments_ui.testing.failpoints import at, raise_
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.runs.support import first, let_run_out
from tests.core.support import record, together
from tests.fakes import taken
from tests.saving import saved, saving

from .conftest import MakePayers

pytestmark = pytest.mark.django_db


def take(run: Run) -> RunBatch:
    batch = work.take(first(run).pk)
    assert batch is not None
    return batch


def work_on(batch: RunBatch, **options: Any) -> None:
    work.work_on(batch, processors.listed(), **options)


def test_everybody_is_charged_once(make_payers: MakePayers, psp: SandboxPSP) -> None:
    make_payers(5)
    run = start()
    work.work(run)
    assert taken(psp) == 25
    found = progress(run)
    assert (found.state, found.done, found.charged, found.batches_done) == ("done", 5, 5, 3)
    work.work(run)
    assert taken(psp) == 25


def test_who_finds_every_batch_done_ends_the_run(make_payers: MakePayers) -> None:
    make_payers(2)
    run = start()
    run.batches.update(ended_at=run.started_at)
    told: list[str] = []
    work.work(run, tell=lambda: told.append("now"))
    assert progress(run).state == "done"
    assert told == ["now"]


@pytest.mark.django_db(transaction=True)
def test_four_workers_share_the_payers(make_payers: MakePayers, psp: SandboxPSP) -> None:
    make_payers(12)
    run = start()
    together(4, lambda _number: work.work(run))
    assert taken(psp) == 60
    assert progress(run).charged == 12


def test_all_currencies_of_a_payer_are_charged(make_payers: MakePayers, psp: SandboxPSP) -> None:
    for user in make_payers(3):
        record(user, "7", currency="EUR")
    run = start()
    work.work(run)
    assert Payment.objects.charged().filter(currency="EUR").count() == 3
    assert progress(run).charged == 6


def test_who_has_nothing_to_charge_is_skipped(make_user: UserFactory, psp: SandboxPSP) -> None:
    user = make_user()
    saved(user, unattended="Charge me.")
    record(user, "0.50")
    run = start()
    work.work(run)
    assert (progress(run).done, progress(run).skipped) == (1, 1)
    assert not psp.calls


def test_an_error_of_one_payer_stops_nothing(make_payers: MakePayers, psp: SandboxPSP) -> None:
    make_payers(3)
    run = start()
    with mock.patch.object(work, "next_payment", side_effect=_once(next_payment)):
        work.work(run)
    assert (progress(run).errors, progress(run).charged) == (1, 2)
    assert taken(psp) == 10


def test_a_database_that_is_away_for_a_moment_costs_no_payer_their_turn(
    make_payers: MakePayers, psp: SandboxPSP, site: dict[str, Any]
) -> None:
    site["RUN_BATCH"] = 100
    make_payers(3)
    run = start()
    batch = take(run)
    away = OperationalError("the database is away")
    with (
        mock.patch.object(work, "next_payment", side_effect=away),
        mock.patch.object(leases, "keep", side_effect=away),
        pytest.raises(OperationalError),
    ):
        work_on(batch)
    let_run_out(batch)
    work.work(run)
    assert (progress(run).errors, progress(run).charged) == (0, 3)


def _once(function: Any) -> Any:
    failed: list[bool] = []

    def fail_first(*args: Any, **options: Any) -> Any:
        if not failed:
            failed.append(True)
            raise RuntimeError("a bug")
        return function(*args, **options)

    return fail_first


def test_an_outage_interrupts_the_run_and_the_next_goes_on(
    make_payers: MakePayers, psp: SandboxPSP, site: dict[str, Any]
) -> None:
    site["RUN_BATCH"] = 100
    make_payers(7)
    saving.outcomes.extend([Unknown(reason="no answer")] * 5)
    run = start()
    work.work(run)
    found = progress(run)
    assert (found.state, found.done) == ("interrupted", 4)
    assert "does not answer" in found.note
    assert first(run).leased_until is None
    saving.outcomes.clear()
    work.work(start())
    # The fifth is asked about again, like the four before it, and not charged again.
    assert (progress(run).open, progress(run).charged) == (5, 2)
    assert taken(psp) == 10


def test_a_worker_that_died_is_replaced_when_its_lease_runs_out(
    make_payers: MakePayers, psp: SandboxPSP, site: dict[str, Any]
) -> None:
    site["RUN_BATCH"] = 100
    make_payers(5)
    run = start()
    batch = take(run)
    dies = at(Point.BULK_BETWEEN_USERS, raise_(KeyboardInterrupt()), on_hit=3)
    with dies, pytest.raises(KeyboardInterrupt):
        work_on(batch)
    assert taken(psp) == 15
    assert work._next(run) is None
    let_run_out(batch)
    work.work(run)
    assert taken(psp) == 25
    # The third was charged, and not counted, before it died.
    assert (progress(run).done, progress(run).charged) == (5, 5)


@pytest.mark.parametrize("look", [86_400, -1], ids=["goes on", "looks first"])
def test_a_worker_that_slept_charges_nobody_again(
    make_payers: MakePayers,
    psp: SandboxPSP,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    site: dict[str, Any],
    look: float,
) -> None:
    site["RUN_LEASE"] = 86_400
    users = make_payers(2)
    run = start()
    slept = take(run)
    monkeypatch.setattr(work, "LOOK", 86_400)
    asked: list[User] = []

    def meanwhile(user_id: Any, *args: Any, **options: Any) -> Payment | Outcome:
        if not asked:
            # It sleeps here: another does its work, and the payers use the site again.
            with mock.patch.object(work, "next_payment", next_payment):
                let_run_out(slept)
                work.work(run)
            _use_again(users)
            monkeypatch.setattr(work, "LOOK", look)
        asked.append(user_id)
        return next_payment(user_id, *args, **options)

    with mock.patch.object(work, "next_payment", meanwhile):
        work_on(slept)
    # By the books, whether it sees in time that the batch is another's or not.
    assert taken(psp) == 10
    assert progress(run).charged == 2
    assert len(asked) == (1 if look < 0 else 2)
    assert ("is another's" in caplog.text) == (look < 0)
    # What was used meanwhile is for the next run.
    work.work(start())
    assert taken(psp) == 20


def _use_again(users: list[User]) -> None:
    for user in users:
        record(user, "5")


def test_a_task_works_no_longer_than_its_time(make_payers: MakePayers, psp: SandboxPSP) -> None:
    make_payers(2)
    run = start()
    work_on(take(run), seconds=0)
    assert not psp.calls
    assert first(run).leased_until is None
    work.work(run)
    assert taken(psp) == 10


def test_a_run_stops_between_two_payers_and_goes_on(
    make_payers: MakePayers, psp: SandboxPSP
) -> None:
    make_payers(2)
    run = start()
    told: list[int] = []

    def stop() -> None:
        told.append(1)
        steering.stop(run, by="ada")

    with mock.patch.object(work, "LOOK", -1):
        work_on(take(run), tell=stop)
    assert told == [1]
    assert not psp.calls
    work.work(start(resume=True))
    assert taken(psp) == 10


def test_a_worker_looks_now_and_then_and_works_on(make_payers: MakePayers, psp: SandboxPSP) -> None:
    make_payers(2)
    with mock.patch.object(work, "LOOK", -1):
        work_on(take(start()))
    assert taken(psp) == 10


def test_who_waits_for_another_worker_ends_with_the_run(make_payers: MakePayers) -> None:
    make_payers(2)
    run = start()
    others = [take(run)]

    def wake(_seconds: float) -> None:
        # Once: whoever charges may have to wait for the rate limit.
        while others:
            work_on(others.pop())

    with mock.patch("time.sleep", wake):
        work.work(run)
    assert progress(run).state == "done"


def test_a_batch_that_another_took_over_at_its_end_is_the_others(
    make_payers: MakePayers, psp: SandboxPSP
) -> None:
    make_payers(1)
    run = start()
    batch = take(run)
    with mock.patch.object(work, "each_payer", return_value=()):
        let_run_out(batch)
        take(run)
        work_on(batch)
    assert progress(run).batches_done == 0
    assert not psp.calls
