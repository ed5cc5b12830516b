"""A run begins, stops, goes on and ends: each by a conditional UPDATE."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Sum
from django.utils import timezone

from payments_ui.core import signals
from payments_ui.core.db.locks import retrying

from .model import Run, RunBatch
from .states import OPEN_STATES, RunState


def begin(*, rings: bool = False) -> Run:
    """The open run, or a new one, which is still to be planned. Several may call this at once."""
    while True:
        run = Run.objects.filter(state__in=OPEN_STATES).first()
        if run is not None:
            return run
        try:
            with transaction.atomic():
                return Run.objects.create(rings=rings)
        except IntegrityError:
            # Another one was a moment faster; or its run has ended since.
            continue


def go(run: Run, *states: RunState) -> bool:
    """Let it run from one of these states; whether it does now."""
    done = run.batches.aggregate(done=Sum("done"))["done"] or 0
    changes = {"going_since": timezone.now(), "done_before": done, "note": ""}
    return _change(run, states, RunState.RUNNING, **changes)


def stop(run: Run, *, by: str) -> bool:
    """Stop it within seconds, after the payers who are being charged; whether it was to be."""
    return _change(run, (RunState.RUNNING, RunState.INTERRUPTED), RunState.STOPPED, note=by)


def resume(run: Run) -> bool:
    """Let a stopped or interrupted run go on; whether it was one. Then ``run_resumed`` is sent."""
    resumed = go(run, RunState.STOPPED, RunState.INTERRUPTED)
    if resumed:
        transaction.on_commit(lambda: signals.run_resumed.send_robust(sender=Run, run=run))
    return resumed


def interrupt(run: Run, *, why: str) -> bool:
    """Stop it until the next command, as a PSP is down."""
    return _change(run, (RunState.RUNNING,), RunState.INTERRUPTED, note=why)


def finish(run: Run) -> bool:
    """End it, if all its batches are done."""
    left = RunBatch.objects.filter(run=OuterRef("pk"), ended_at__isnull=True)
    running = Run.objects.filter(~Exists(left), pk=run.pk, state=RunState.RUNNING)
    return bool(running.update(state=RunState.DONE, ended_at=timezone.now()))


def is_running(run: Run) -> bool:
    """Whether it runs now."""
    return Run.objects.filter(pk=run.pk, state=RunState.RUNNING).exists()


@retrying
def _change(run: Run, states: tuple[RunState, ...], state: RunState, **changes: Any) -> bool:
    changed = Run.objects.filter(pk=run.pk, state__in=states).update(state=state, **changes)
    if changed:
        run.refresh_from_db()
    return bool(changed)
