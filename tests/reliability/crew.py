"""Processes that work on a run: the command and its workers, to be killed and put to sleep."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import connection

from payments_ui.conf import settings
from payments_ui.core.attempts.outcomes import Outcome
from payments_ui.core.models import Attempt
from payments_ui.core.processing import Result
from payments_ui.flows import rate_limit
from payments_ui.flows.charge_unattended import Charging
from payments_ui.testing.psp import SandboxPSP

from . import site

PATIENCE = 600.0
#: What one request to the PSP takes, on top of what it really takes.
LATENCY = float(os.environ.get("PSP_LATENCY", "0.05"))


class FarAway(site.Sandbox):
    """The sandbox, at the other end of a slow line."""

    def charge(self, attempt: Attempt, **options: Any) -> Outcome:
        time.sleep(LATENCY)
        return super().charge(attempt, **options)


card = FarAway(kind="card", timeout=10, minimum={"CHF": site.MINIMUM})
if "PSP_URL" in os.environ:
    card.pay_at(os.environ["PSP_URL"])


class CardOnFile:
    """A processor: charges a card that the PSP approves."""

    def __init__(self) -> None:
        self._charging = Charging(
            card,
            base_url=settings.BASE_URL,
            data_for=lambda _payment: {"card": "card_approve"},
            limit=rate_limit.shared(card),
        )

    def __call__(self, payment: Any) -> Result:
        """Charge the payment."""
        return self._charging(payment)


class Crew:
    """A site's processes, each a program of its own, which end with the block."""

    def __init__(self, psp: SandboxPSP, folder: Path, **run_settings: Any) -> None:
        self._log = folder / "crew.log"
        self._started: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings_runs",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TORTURE_DATABASE": str(connection.settings_dict["NAME"]),
            "PSP_URL": psp.url,
            "RUN_SETTINGS": json.dumps(run_settings),
        }

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command of Django's."""
        return self.start_program(sys.executable, "-m", "django", *words)

    def start_program(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a program as the leader of a group of its own."""
        with self._log.open("ab") as log:
            started = subprocess.Popen(  # noqa: S603
                words, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._started.append(started)
        return started

    @property
    def said(self) -> str:
        """What they wrote so far, at its end."""
        return self._log.read_text("utf-8", errors="replace")[-3000:] if self._log.exists() else ""

    def end(self) -> None:
        """End them all, those included that sleep."""
        for started in self._started:
            for pid in [*children(started.pid), started.pid]:
                kill(pid, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()


@contextmanager
def crew(psp: SandboxPSP, **run_settings: Any) -> Iterator[Crew]:
    """A crew that is gone after the block."""
    with tempfile.TemporaryDirectory() as folder:
        one = Crew(psp, Path(folder), **run_settings)
        try:
            yield one
        finally:
            one.end()


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in path.read_text("ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_until(is_so: Callable[[], bool], *, seconds: float = PATIENCE) -> bool:
    """Wait for it; whether it came to be so in time."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
