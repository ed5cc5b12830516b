"""People who use and pay for minutes, while one call in a hundred goes wrong; and their memory."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from payments_ui.core.models import Attempt
from payments_ui.testing.psp import SandboxPSP

from . import jobs, processes, site
from .frame import Trial, scenario
from .support import people, record, wrong

FAULTS = (
    *("lost_reply", "lost_request", "error_before", "error_after", "garbled", "rate_limited"),
    *("declined", "3ds", "processing"),
)
PROCESSES = 3
#: What a process may grow by after it has warmed up, in MB.
GROWTH = 8


def live(psp_url: str, users: list[int], seconds: float, seed: int) -> dict[str, Any]:
    """Use, proceed, pay, give up, look: through the views, for so long."""
    dice = random.Random(seed)  # noqa: S311 - the same each time
    done: Counter[str] = Counter()
    memory: list[float] = []
    end = time.monotonic() + seconds
    with site.at(psp_url):
        while time.monotonic() < end:
            turn(site.Browser(dice.choice(users)), dice, done)
            memory.append(megabytes())
    return {"done": done, "memory": memory}


def turn(browser: site.Browser, dice: random.Random, done: Counter[str]) -> None:
    """One visit."""
    record(browser.user, f"{dice.randrange(100, 5000) / 100:.2f}")
    payment = browser.proceed()
    if payment is None:
        done["busy"] += 1
        return
    browser.look(payment)
    if dice.random() < 0.1:
        done[f"gave up: {browser.cancel(payment).status_code}"] += 1
        return
    done[f"paid: {browser.pay(payment).status_code}"] += 1


def megabytes() -> float:
    """What this process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 2**20


@scenario(
    12,
    "Soak",
    provoked="3 processes use, bill, pay and give up through the views for minutes, while one in a "
    "hundred calls of the PSP goes wrong, in one of nine ways each",
    promised="no error page; memory does not grow; after one reconciliation nothing is open but "
    "what waits for a customer",
)
def test_minutes_of_use_leave_nothing_open(trial: Trial, psp: SandboxPSP) -> None:
    seconds = trial.size(small=1, full=90)
    for number, fault in enumerate(FAULTS):
        psp.plan.sometimes(fault, share=0.01 / len(FAULTS), seed=number)
    users = people(trial.size(small=6, full=60))
    keys = [user.pk for user in users]
    jobs: Any = [(live, (psp.url, keys, seconds, seed)) for seed in range(PROCESSES)]
    ended = processes.at_once(jobs)
    trial.violations += [one.error for one in ended if one.error]
    growth = [look_at(trial, one.result) for one in ended if one.result]
    trial.metric("growth of a process", max(growth, default=0.0), "MB")
    settle_all(trial, psp)
    trial.violations += [text for user in users for text in wrong(user)]


def look_at(trial: Trial, result: dict[str, Any]) -> float:
    """What one process saw; and by how many MB it grew."""
    done, memory = result["done"], result["memory"]
    trial.tried(done.total())
    crashed = [what for what in done if "500" in what]
    trial.check(not crashed, f"error pages: {crashed}")
    growth = _median(memory[-len(memory) // 5 :]) - _median(memory[len(memory) // 5 :][:100])
    trial.check(growth < GROWTH or not trial.full, f"A process grew by {growth:.1f} MB")
    return growth


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0


def settle_all(trial: Trial, psp: SandboxPSP) -> None:
    """What a day later is still open waits for its customer, or is a fault of ours."""
    psp.plan.clear()
    psp.advance(site.DAY)
    with site.at(psp.url, site.DAY):
        jobs.reconcile(psp.url)
    left = list(Attempt.objects.open())
    trial.check(not left, f"open: {left}")
