"""Leases: a batch is in one worker's hands for some seconds, by a conditional UPDATE.

A lease spares workers from doing the same twice. That no user is charged twice does not hang on it:
see ``claims``.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, OuterRef, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from payments_ui.core.db.locks import retrying

from .model import Run, RunBatch
from .states import RunState


def in_seconds(seconds: float) -> Combinable:
    """So much later than now, by the database's clock."""
    later = Now() + Value(dt.timedelta(seconds=seconds))
    return ExpressionWrapper(later, output_field=DateTimeField())


@retrying
def take(batch_pk: Any, *, seconds: float, by: str = "") -> RunBatch | None:
    """The batch with a lease of it; ``None`` where it is done, leased, or its run stands still."""
    lease = secrets.token_hex(16)
    running = Run.objects.filter(pk=OuterRef("run_id"), state=RunState.RUNNING)
    free = RunBatch.objects.free().filter(Exists(running), pk=batch_pk)
    until = in_seconds(seconds)
    if not free.update(lease=lease, leased_until=until, leased_by=by[:100], rung_at=None):
        return None
    return RunBatch.objects.select_related("run").filter(pk=batch_pk, lease=lease).first()


@dataclass(slots=True)
class Done:
    """What a worker did in its batch and has not written down: up to whom, and what to count."""

    cursor: tuple[str, str] | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, user_id: Any, currency: str, *counted: str) -> None:
        """One payer more."""
        self.cursor = (str(user_id), currency)
        self.counts.update(("done", *counted))

    def forget(self) -> None:
        """It is written down."""
        self.cursor = None
        self.counts.clear()

    def columns(self) -> dict[str, Any]:
        """As changes of a batch."""
        added: dict[str, Any] = {name: F(name) + number for name, number in self.counts.items()}
        if self.cursor is not None:
            added["cursor"], added["cursor_currency"] = self.cursor
        return added


@retrying
def keep(batch: RunBatch, done: Done, *, seconds: float) -> bool:
    """Write down what was done, and hold the batch for longer.

    Returns whether it is still held; if not, nothing is written.
    """
    held = RunBatch.objects.filter(pk=batch.pk, lease=batch.lease)
    if not held.update(leased_until=in_seconds(seconds), **done.columns()):
        return False
    done.forget()
    return True


@retrying
def give_back(batch: RunBatch, done: Done) -> bool:
    """Write down what was done, and let another worker go on; whether it was still held."""
    held = RunBatch.objects.filter(pk=batch.pk, lease=batch.lease)
    free = {"lease": "", "leased_until": None, "leased_by": ""}
    return bool(held.update(**free, **done.columns()))


@retrying
def end(batch: RunBatch, done: Done, recounted: Mapping[str, int]) -> bool:
    """Close the batch with what was done, and what was counted again; whether it was still held."""
    held = RunBatch.objects.filter(pk=batch.pk, lease=batch.lease, ended_at__isnull=True)
    columns = {**done.columns(), **recounted}
    # Who has paid meanwhile, or was charged by a worker that died then, is not met any more.
    columns["done"] = Greatest(columns.get("done", F("done")), F("payers"))
    free = {"lease": "", "leased_until": None, "leased_by": "", "ended_at": timezone.now()}
    return bool(held.update(**free, **columns))
