"""How far a run is."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Unknown
from payments_ui.core.models import Run, RunBatch
from payments_ui.core.runs import claims, steering
from payments_ui.core.runs.counting import progress, recounted
from tests.conftest import UserFactory
from tests.core.support import money_of, pending, started

from .support import first, running

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


def test_the_books_know_what_became_of_a_batch(make_user: UserFactory) -> None:
    batch = first(running())
    with claims.in_the_name_of(batch):
        for _number in range(3):
            attempt = started(pending(make_user(), "5"))
            attempt.record(money_of(attempt, psp_reference=attempt.reference))
        started(pending(make_user(), "5")).record(Declined(code=DeclineCode.GENERIC))
        started(pending(make_user(), "5")).record(Unknown(reason="slow"))
    started(pending(make_user(), "5"))
    assert recounted(batch) == {"charged": 3, "declined": 1, "open": 1}


def test_progress_is_the_sum_of_the_batches() -> None:
    done = {"done": 10, "charged": 4, "declined": 1, "open": 1, "asked": 1, "errors": 1}
    done |= {"later": 1, "inactive": 1}
    run = running({"payers": 10, "ended_at": timezone.now(), **done}, {"payers": 30})
    found = progress(run)
    assert (found.state, found.batches, found.batches_done) == ("running", 2, 1)
    assert (found.payers, found.done, found.charged, found.skipped) == (40, 10, 4, 0)
    assert found.percent == 25
    # It has just begun.
    assert (found.per_minute, found.estimated_end) == (0, None)


def test_its_speed_tells_when_it_will_end() -> None:
    run = running({"payers": 100, "done": 20})
    Run.objects.update(going_since=timezone.now() - 10 * SECOND, done_before=10)
    found = progress(run)
    assert found.per_minute == pytest.approx(60, rel=0.1)
    assert found.estimated_end is not None
    assert found.estimated_end == pytest.approx(timezone.now() + 80 * SECOND, abs=10 * SECOND)


def test_a_run_that_stands_still_ends_at_no_time() -> None:
    run = running({"payers": 100, "done": 20})
    Run.objects.update(going_since=timezone.now() - 10 * SECOND)
    steering.stop(run, by="ada")
    assert progress(run).estimated_end is None
    assert progress(run).note == "ada"


def test_a_run_without_payers_is_done() -> None:
    run = running()
    RunBatch.objects.all().delete()
    assert progress(run).percent == 100
    assert progress(Run.objects.create(state="done")).per_minute == 0
