"""The site's task queue, where it has one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from payments_ui.core.models import Run
from payments_ui.exceptions import NoEngineError

from . import doorbell


def find() -> Any:
    """The task to enqueue, bound to the site's queue. Raises ``NoEngineError`` without one."""
    try:
        tasks: Any = import_module("payments_ui.flows.leased_run.tasks")
    except ImportError as error:
        raise NoEngineError("Django 6 has tasks; on 5.2, install django-tasks") from error
    return doorbell.bound(tasks.work_on_batch)


def on_resumed(run: Run, **_signal: Any) -> None:
    """Announce the batches of a run that goes on; connected to ``run_resumed``."""
    doorbell.ring(run, find)
