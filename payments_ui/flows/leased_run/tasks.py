"""The one task of the kit, for whatever backend Django's Tasks have on this site.

It takes two texts, and asks for no priority, no later time and no repetition by the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments_ui.conf import settings
from payments_ui.core.models import Run
from payments_ui.flows import processors

from . import doorbell, work

if TYPE_CHECKING:
    from collections.abc import Callable

    task: Callable[[Callable[..., None]], Any]
else:
    try:
        from django.tasks import task
    except ImportError:
        # Django 5.2
        from django_tasks import task


@task
def work_on_batch(run_id: str, batch_id: str) -> None:
    """Charge the payers of a batch, if it is free, within the task's time; ring for the rest."""

    def engine() -> Any:
        return doorbell.bound(work_on_batch)

    doorbell.sweep(engine)
    batch = work.take(batch_id)
    if batch is not None:
        work.work_on(batch, processors.listed(), seconds=settings.RUN_TIME_BOX)
    for run in Run.objects.filter(pk=run_id):
        doorbell.ring(run, engine)
