"""Runs and batches, as a plan makes them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from payments_ui.core.models import Run, RunBatch
from payments_ui.core.runs import steering
from payments_ui.core.runs.states import RunState


def running(*batches: dict[str, Any]) -> Run:
    """A run that runs, of such batches; one, unless others are named."""
    run = steering.begin()
    for number, fields in enumerate(batches or ({},), 1):
        RunBatch.objects.create(run=run, number=number, **{"upto": "99", "payers": 1, **fields})
    steering.go(run, RunState.PLANNING)
    return run


def first(run: Run) -> RunBatch:
    """The first batch, as it is stored."""
    return run.batches.get(number=1)


def let_run_out(batch: RunBatch) -> None:
    """Let the lease of a batch be over, as if its worker slept."""
    long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    RunBatch.objects.filter(pk=batch.pk).update(leased_until=long_ago)
