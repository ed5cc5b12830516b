"""Telling the workers of a task queue that there is work.

The queue is a doorbell and never the truth: it is told two names, and may lose, double, delay and
shuffle what it is told. A batch that no worker came for is rung for again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from payments_ui.conf import settings
from payments_ui.core.db.locks import retrying
from payments_ui.core.models import Run, RunBatch
from payments_ui.core.runs import leases
from payments_ui.core.runs.states import RunState
from payments_ui.exceptions import NoEngineError

#: So many batches are announced at a time; each task that ends announces the next.
AHEAD = 64
#: After so many leases' time a batch that was announced, and not taken, is announced again.
_PATIENCE = 5
# What Django has for tests, and for sites without a queue: it runs the task here, or never.
_NO_ENGINES = ("ImmediateBackend", "DummyBackend")

#: Finds the task to enqueue, bound to the site's queue; asked only where there is something to say.
Engine = Callable[[], Any]


def bound(task: Any) -> Any:
    """The task, bound to the site's queue. Raises ``NoEngineError`` without one."""
    try:
        queued = task.using(backend=settings.RUN_BACKEND, queue_name=settings.RUN_QUEUE)
        backend = type(queued.get_backend()).__name__
    except Exception as error:
        raise NoEngineError(f"TASKS names no queue for the runs: {error}") from error
    if backend in _NO_ENGINES:
        raise NoEngineError(f"The {backend} of TASKS has no workers")
    return queued


def ring(run: Run, engine: Engine) -> int:
    """Announce batches that are free, after the commit; how many."""
    if not run.rings or run.state != RunState.RUNNING:
        return 0
    task = engine()
    free = RunBatch.objects.free().filter(run=run)
    again = leases.in_seconds(-_PATIENCE * settings.RUN_LEASE)
    quiet = free.filter(Q(rung_at__isnull=True) | Q(rung_at__lt=again)).order_by("number")
    announced = free.filter(rung_at__gte=again).count()
    found = quiet.values_list("pk", flat=True)[: max(0, AHEAD - announced)]
    return sum(_announce(task, run, quiet.filter(pk=pk)) for pk in list(found))


def sweep(engine: Engine) -> int:
    """Announce again, of all runs, what no worker came for or one has left; how many."""
    running = Run.objects.filter(state=RunState.RUNNING, rings=True)
    return sum(ring(run, engine) for run in running)


@retrying
def _announce(task: Any, run: Run, quiet: QuerySet[RunBatch]) -> bool:
    with transaction.atomic():
        # Several who sweep at once announce a batch once.
        batch = quiet.first()
        if batch is None or not quiet.order_by().update(rung_at=Now()):
            return False
        texts = str(run.pk), str(batch.pk)
        # No `partial`, whose name Django wants to write where the queue is down.
        transaction.on_commit(lambda: task.enqueue(*texts), robust=True)
    return True
