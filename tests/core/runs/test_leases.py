"""A batch is in one worker's hands, until it gives it back or its time runs out."""

from __future__ import annotations

import pytest

from payments_ui.core.models import RunBatch
from payments_ui.core.runs import leases, steering
from payments_ui.core.runs.leases import Done
from tests.core.support import together

from .support import first, let_run_out, running

pytestmark = pytest.mark.django_db


def take(batch: RunBatch) -> RunBatch | None:
    return leases.take(batch.pk, seconds=60, by="here 1")


def taken() -> RunBatch:
    batch = take(first(running()))
    assert batch is not None
    return batch


def done(*payers: str) -> Done:
    """What was done: a payer for each of these outcomes; none for a space."""
    found = Done()
    for outcome in payers:
        found.add(7, "CHF", *outcome.split())
    return found


def keep(batch: RunBatch, *payers: str) -> bool:
    return leases.keep(batch, done(*payers), seconds=60)


def test_a_batch_is_taken_once() -> None:
    batch = taken()
    assert batch.leased_by == "here 1"
    assert take(batch) is None


def test_what_is_given_back_is_taken_again() -> None:
    batch = taken()
    assert leases.give_back(batch, done("charged"))
    assert take(batch) is not None
    stored = first(batch.run)
    assert (stored.cursor, stored.done, stored.charged) == ("7", 1, 1)


def test_a_lease_that_ran_out_is_taken_and_the_worker_who_wakes_up_has_lost_it() -> None:
    slept = taken()
    let_run_out(slept)
    other = take(slept)
    assert other is not None
    assert not keep(slept, "charged")
    assert not leases.give_back(slept, done("charged"))
    assert not leases.end(slept, done("charged"), {})
    assert keep(other, "charged")
    assert first(other.run).charged == 1


def test_what_was_done_is_written_down_with_where_it_was() -> None:
    batch = taken()
    assert keep(batch, "charged", " ")
    assert keep(batch, "declined")
    stored = first(batch.run)
    assert (stored.done, stored.charged, stored.declined, stored.errors) == (3, 1, 1, 0)
    assert (stored.cursor, stored.cursor_currency) == ("7", "CHF")
    assert stored.leased_until
    assert batch.leased_until
    assert stored.leased_until >= batch.leased_until


def test_a_batch_that_is_done_is_taken_by_nobody() -> None:
    batch = taken()
    assert keep(batch, "asked")
    assert leases.end(batch, done("asked", "charged"), {"charged": 4})
    stored = first(batch.run)
    assert (stored.charged, stored.asked, stored.done) == (4, 2, 3)
    assert stored.ended_at is not None
    assert take(batch) is None
    assert not leases.end(batch, done(), {})


def test_what_is_written_down_is_not_written_down_again() -> None:
    batch, once = taken(), done("charged")
    assert leases.keep(batch, once, seconds=60)
    assert leases.keep(batch, once, seconds=60)
    assert first(batch.run).charged == 1


def test_nobody_takes_a_batch_of_a_run_that_stands_still() -> None:
    run = running()
    steering.stop(run, by="ada")
    assert take(first(run)) is None
    steering.resume(run)
    assert take(first(run)) is not None


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_at_once_one_gets_it() -> None:
    batch = first(running())
    results = together(8, lambda _number: take(batch))
    assert sum(result is not None for result in results) == 1
