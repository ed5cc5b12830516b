"""Where a run stands."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy


class RunState(models.TextChoices):
    """Where a run stands; all but the last are open, and of these there is one at a time."""

    PLANNING = "planning", pgettext_lazy("run", "being planned")
    RUNNING = "running", pgettext_lazy("run", "running")
    #: A PSP was down: the next command goes on with it.
    INTERRUPTED = "interrupted", pgettext_lazy("run", "interrupted")
    #: By a person, who resumes it.
    STOPPED = "stopped", pgettext_lazy("run", "stopped")
    DONE = "done", pgettext_lazy("run", "done")


OPEN_STATES = (RunState.PLANNING, RunState.RUNNING, RunState.INTERRUPTED, RunState.STOPPED)
