"""How fast a run is with several workers, and how long they wait for each other's locks.

Alone on a machine: what these scenarios measure, others on the same cores would change.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from payments_ui.core.models import Run
from payments_ui.testing.psp import SandboxPSP

from .crew import Crew, crew
from .frame import Trial, scenario
from .support import people
from .test_runs import again, check_each_is_charged_once, site_audit, taken_from

#: No limit but the PSP's slowness, and batches small enough for eight workers to share.
FREE: dict[str, Any] = {"RUN_BATCH": 50, "RATE_LIMITS": {"sandbox": 10_000}}
#: Payers of the measured runs at full size.
PAYERS = int(os.environ.get("RUN_PAYERS", "10000"))
#: What four workers make, of what one does; and the longest wait for a lock, of 99 in 100 payers.
AT_LEAST, LOCKED_AT_MOST = 3.4, 0.050
# Seconds between two looks at who waits for a lock: shorter waits are not seen.
_LOOK = 0.005


def charge(site: Crew, users: list[User], *, workers: int) -> float:
    """Let them use the site, charge them in one run, and return how many payers it did a second."""
    again(users)
    ended = site.start("process_payments", "--workers", str(workers)).wait(3600)
    run = Run.objects.latest("started_at")
    if ended or run.ended_at is None or run.going_since is None:
        raise AssertionError(f"The run ended with {ended}: {site.said}")
    return len(users) / (run.ended_at - run.going_since).total_seconds()


@contextmanager
def waits() -> Iterator[dict[tuple[int, Any], float]]:
    """How long each wait for a lock lasted that was seen, by who waited and since when.

    PostgreSQL says since when (``pg_locks.waitstart``), so a wait that is seen once or more is
    measured up to when it was seen last.
    """
    found: dict[tuple[int, Any], float] = {}
    enough = threading.Event()

    def look() -> None:
        try:
            with connection.cursor() as cursor:
                while not enough.is_set():
                    cursor.execute(
                        "SELECT pid, waitstart, extract(epoch FROM clock_timestamp() - waitstart) "
                        "FROM pg_locks WHERE NOT granted AND waitstart IS NOT NULL"
                    )
                    for pid, since, lasted in cursor.fetchall():
                        found[pid, since] = max(float(lasted), found.get((pid, since), 0.0))
                    time.sleep(_LOOK)
        finally:
            connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        enough.set()
        thread.join()


@scenario(
    46,
    "Four workers against one, and the locks of eight",
    provoked="10,000 payers, and a PSP that takes 50 ms, are charged in runs of one worker (a "
    "tenth of them), of four and of eight; who waits for a lock is looked at every 5 ms",
    promised="four workers charge at least 3.4 times as many payers a second as one; of eight, 99 "
    "of 100 payers wait less than 50 ms for locks; each is charged once a run",
    databases=("postgres",),
    full_only=True,
)
def test_workers_do_not_hold_each_other_up(trial: Trial, psp: SandboxPSP) -> None:
    users = people(PAYERS)
    few = users[: max(200, PAYERS // 10)]
    trial.tried(2 * len(users) + len(few))
    with crew(psp, **FREE) as site:
        one = charge(site, few, workers=1)
        four = charge(site, users, workers=4)
        with waits() as waited:
            eight = charge(site, users, workers=8)
        trial.check(site_audit(site) == 0, f"The audit found something: {site.said}")
    # Each payer takes several locks; those of whom no wait was seen waited for none.
    lasted = sorted([*waited.values(), *[0.0] * max(0, len(users) - len(waited))])
    p99 = lasted[len(lasted) * 99 // 100]
    for name, speed in {"one worker": one, "four": four, "eight": eight}.items():
        trial.metric(name, speed, "payers per s")
    trial.metric("four against one", four / one)
    trial.metric("lock waits with eight: seen", len(waited))
    trial.metric("p99", 1000 * p99, "ms")
    trial.metric("longest", 1000 * max(lasted), "ms")
    trial.check(four / one >= AT_LEAST, f"Four workers make {four / one:.2f} times of one")
    trial.check(p99 < LOCKED_AT_MOST, f"The p99 of lock waits is {1000 * p99:.0f} ms")
    times = set(taken_from(psp).values())
    trial.check(times == {2, 3}, f"Users were charged {sorted(times)} times in the runs")


@scenario(
    47,
    "A run of two processes on SQLite",
    provoked="500 payers, and a PSP that takes 2 ms, are charged by two processes on one file",
    promised="each payer is charged once, though the file has one writer at a time",
    databases=("sqlite",),
)
def test_two_processes_share_one_file(trial: Trial, psp: SandboxPSP) -> None:
    users = people(500)
    trial.tried(len(users))
    with crew(psp, **FREE) as site:
        site.environment["PSP_LATENCY"] = "0.002"
        trial.metric("payers", charge(site, users, workers=2), "per s")
        trial.check(site_audit(site) == 0, f"The audit found something: {site.said}")
    check_each_is_charged_once(trial, psp, users)
