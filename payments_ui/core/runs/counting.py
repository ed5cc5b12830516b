"""What came of a batch and of a run, in numbers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.utils import timezone

from payments_ui.core.models import Attempt, Payment, Run, RunBatch, RunClaim

from .model import COUNTED
from .states import RunState

#: Before a run has gone on for so long its speed is not told.
_SOON = dt.timedelta(seconds=5)


def recounted(batch: RunBatch) -> dict[str, int]:
    """What became, until now, of the payments that were claimed in its name.

    A worker that died, or lost its lease, did not write down its last one; the books know it.
    """
    claimed = RunClaim.objects.filter(batch=batch).values("payment")
    is_open = Exists(Attempt.objects.open().filter(payment=OuterRef("pk")))
    payments = Payment.all_objects.filter(pk__in=claimed).annotate(is_open=is_open)
    found: dict[str, int] = payments.aggregate(
        charged=Count("pk", filter=Q(charged_at__isnull=False)),
        open=Count("pk", filter=Q(charged_at__isnull=True, is_open=True)),
        declined=Count("pk", filter=Q(charged_at__isnull=True, is_open=False)),
    )
    return found


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is."""

    state: RunState
    note: str
    batches: int
    batches_done: int
    payers: int
    done: int
    charged: int
    declined: int
    open: int
    asked: int
    later: int
    inactive: int
    errors: int
    #: Payers in a minute since it runs; 0 while that is not known.
    per_minute: float
    estimated_end: dt.datetime | None

    @property
    def skipped(self) -> int:
        """Payers who had nothing to pay now."""
        known: int = sum(getattr(self, name) for name in COUNTED)
        return max(0, self.done - known)

    @property
    def percent(self) -> int:
        """How much of it is done, of 100."""
        return min(100, 100 * self.done // self.payers) if self.payers else 100


def progress(run: Run) -> Progress:
    """How far the run is: two queries."""
    run = Run.objects.get(pk=run.pk)
    sums = {name: Sum(name, default=0) for name in ("payers", "done", *COUNTED)}
    ended = Count("pk", filter=Q(ended_at__isnull=False))
    found = run.batches.aggregate(batches=Count("pk"), batches_done=ended, **sums)
    going = (run.ended_at or timezone.now()) - run.going_since if run.going_since else _SOON
    since = found["done"] - run.done_before
    per_second = since / going.total_seconds() if going > _SOON else 0.0
    left = max(0, found["payers"] - found["done"])
    end = None
    if run.state == RunState.RUNNING and per_second:
        end = timezone.now() + dt.timedelta(seconds=left / per_second)
    return Progress(
        state=RunState(run.state),
        note=run.note,
        per_minute=60 * per_second,
        estimated_end=end,
        **found,
    )
