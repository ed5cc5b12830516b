"""A batch is in one worker's hands, until it gives it back or its time runs out."""

from __future__ import annotations

import pytest

from payments_ui.core.models import RunBatch
from payments_ui.core.runs import leases, steering
from tests.core.support import together

from .support import first, let_run_out, running

pytestmark = pytest.mark.django_db


def take(batch: RunBatch) -> RunBatch | None:
    return leases.take(batch.pk, seconds=60, by="here 1")


def taken() -> RunBatch:
    batch = take(first(running()))
    assert batch is not None
    return batch


def keep(batch: RunBatch, **counts: int) -> bool:
    return leases.keep(batch, seconds=60, cursor=("7", "CHF"), counts=counts)


def test_a_batch_is_taken_once() -> None:
    batch = taken()
    assert batch.leased_by == "here 1"
    assert take(batch) is None


def test_what_is_given_back_is_taken_again() -> None:
    batch = taken()
    assert leases.give_back(batch)
    assert take(batch) is not None


def test_a_lease_that_ran_out_is_taken_and_the_worker_who_wakes_up_has_lost_it() -> None:
    slept = taken()
    let_run_out(slept)
    other = take(slept)
    assert other is not None
    assert not keep(slept, done=1, charged=1)
    assert not leases.give_back(slept)
    assert not leases.end(slept, {})
    assert keep(other, done=1, charged=1)
    assert first(other.run).charged == 1


def test_what_was_done_is_written_down_with_where_it_was() -> None:
    batch = taken()
    assert keep(batch, done=2, charged=1, errors=0)
    assert keep(batch, done=1, declined=1)
    stored = first(batch.run)
    assert (stored.done, stored.charged, stored.declined, stored.errors) == (3, 1, 1, 0)
    assert (stored.cursor, stored.cursor_currency) == ("7", "CHF")
    assert stored.leased_until
    assert batch.leased_until
    assert stored.leased_until >= batch.leased_until


def test_a_batch_that_is_done_is_taken_by_nobody() -> None:
    batch = taken()
    assert leases.end(batch, {"charged": 4})
    stored = first(batch.run)
    assert stored.charged == 4
    assert stored.ended_at is not None
    assert take(batch) is None
    assert not leases.end(batch, {})


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
