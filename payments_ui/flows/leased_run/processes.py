"""Workers on this machine, without a task queue: each is a command of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

from payments_ui.core.models import Run

from . import work

_LOOK = 0.5


def work_here(run: Run, *, workers: int = 1, tell: Callable[[], None] = lambda: None) -> None:
    """Work on the run with so many processes until it is done, or stands still.

    ``tell`` is called now and then. A process that dies is not started again: what it held is
    taken by the others when its lease runs out, and at the end by this one.
    """
    started = [_start(run) for _ in range(workers - 1)]
    try:
        work.work(run, tell=tell)
        while any(process.poll() is None for process in started):
            time.sleep(_LOOK)
    finally:
        for process in started:
            process.terminate()
            process.wait()


def _start(run: Run) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "django", "process_payments", "--run", str(run.pk)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet)  # noqa: S603
