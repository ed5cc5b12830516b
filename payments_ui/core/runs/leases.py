"""Leases: a batch is in one worker's hands for some seconds, by a conditional UPDATE.

A lease spares workers from doing the same twice. That nobody is charged twice does not hang on it:
see ``claims``.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
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


@retrying
def keep(
    batch: RunBatch, *, seconds: float, cursor: tuple[str, str], counts: Mapping[str, int]
) -> bool:
    """Write down what was done up to this user and currency, and hold the batch for longer.

    Returns whether it is still held; if not, nothing is written.
    """
    added: dict[str, Any] = {name: F(name) + number for name, number in counts.items() if number}
    until = in_seconds(seconds)
    changes = {"cursor": cursor[0], "cursor_currency": cursor[1], "leased_until": until, **added}
    return bool(RunBatch.objects.filter(pk=batch.pk, lease=batch.lease).update(**changes))


@retrying
def give_back(batch: RunBatch) -> bool:
    """Let another worker go on with it; whether it was still held."""
    held = RunBatch.objects.filter(pk=batch.pk, lease=batch.lease)
    return bool(held.update(lease="", leased_until=None, leased_by=""))


@retrying
def end(batch: RunBatch, counts: Mapping[str, int]) -> bool:
    """Close the batch with its counts; whether it was still held."""
    held = RunBatch.objects.filter(pk=batch.pk, lease=batch.lease, ended_at__isnull=True)
    # Who has paid meanwhile, or was charged by a worker that died then, is not met any more.
    done = Greatest(F("done"), F("payers"))
    closed = {"lease": "", "leased_until": None, "leased_by": "", "ended_at": timezone.now()}
    return bool(held.update(**closed, done=done, **counts))
