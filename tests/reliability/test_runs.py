"""Runs on many workers: killed, asleep, twice at once; each payer is charged once."""

from __future__ import annotations

import signal
import time
from collections import Counter
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from payments_ui.core.models import Attempt, LineItem, Payment, Run, RunClaim
from payments_ui.core.runs.counting import progress
from payments_ui.testing.psp import SandboxPSP

from . import jobs, processes
from .crew import Crew, children, crew, kill, wait_until
from .frame import Trial, scenario
from .support import people

# Until reconciling believes that a request of a worker that was killed never arrived.
LATER = 120.0
#: For faults: a lease that a pause can outlast, and no limit but the PSP's slowness.
HASTE: dict[str, Any] = {"RUN_LEASE": 3, "RUN_BATCH": 50, "RATE_LIMITS": {"sandbox": 10_000}}


def who_owe(number: int) -> list[User]:
    """So many people who owe five francs each."""
    users = people(number)
    again(users)
    return users


def again(users: list[User]) -> None:
    """They use the site once more."""
    LineItem.objects.bulk_create(
        (LineItem(user=user, title="Use", amount=Decimal(5), currency="CHF") for user in users),
        batch_size=1000,
    )


def taken_from(psp: SandboxPSP) -> Counter[int]:
    """How often the PSP's ledger says that each user was charged."""
    taken = [charge for charge in psp.ledger.charges.newest() if charge.status == "succeeded"]
    keys = [charge.reference for charge in taken]
    users: dict[str, int] = {}
    for at in range(0, len(keys), 500):
        found = Attempt.objects.filter(idempotency_key__in=keys[at : at + 500])
        users |= dict(found.values_list("idempotency_key", "payment__user_id"))
    return Counter(users[key] for key in keys)


def finish(trial: Trial, crew: Crew, psp: SandboxPSP) -> None:
    """What a site does by itself afterwards: reconcile, and let the next night pass."""
    ended = processes.run(jobs.run, psp.url, LATER, jobs.reconcile)
    trial.check(not ended.error, ended.error)
    # As a command, with all that the PSP has: what a site runs at night.
    audited = site_audit(crew)
    trial.check(audited == 0, f"audit_payments --psp all ends with {audited}: {crew.said}")


def site_audit(crew: Crew) -> int:
    """The exit code of the audit with the PSPs."""
    return crew.start("audit_payments", "--psp", "all").wait(600)


def check_each_is_charged_once(trial: Trial, psp: SandboxPSP, users: list[User]) -> None:
    """By the PSP's own ledger, and by what a run may claim."""
    taken = taken_from(psp)
    twice = [user for user, times in taken.items() if times > 1]
    missing = [user.pk for user in users if not taken[user.pk]]
    trial.check(not twice, f"Charged twice: {len(twice)}, as {twice[:5]}")
    trial.check(not missing, f"Not charged: {len(missing)}, as {missing[:5]}")
    charged = Payment.objects.charged().filter(user__in=[user.pk for user in users[:900]])
    wrong = charged.exclude(amount=Decimal(5)).count()
    trial.check(not wrong, f"{wrong} payments are not of five francs")


@scenario(
    42,
    "A run on four workers, killed and asleep",
    provoked="10,000 payers and a PSP that takes 50 ms; two commands with two workers each begin "
    "at once; in the middle one worker is killed with SIGKILL, one sleeps longer than its lease, "
    "and everybody uses the site again",
    promised="one run; each payer is charged once by the PSP's ledger, and in the run for no more "
    "than was owed when it came to them",
    # SQLite has one writer: one that sleeps while it writes stops everybody.
    databases=("postgres", "mariadb"),
)
def test_each_payer_is_charged_once(trial: Trial, psp: SandboxPSP) -> None:
    patience = trial.size(small=300, full=600)
    users = who_owe(trial.size(small=500, full=10_000))
    trial.tried(len(users))
    began = time.monotonic()
    with crew(psp, **HASTE) as site:
        commands = [site.start("process_payments", "--workers", "2") for _number in range(2)]

        def done(share: float) -> bool:
            run = Run.objects.first()
            return run is not None and progress(run).done >= share * len(users)

        trial.check(
            wait_until(lambda: done(0.2), seconds=patience), f"It does not begin: {site.said}"
        )
        (victim,), (sleeper,) = (children(command.pid) for command in commands)
        kill(victim)
        kill(sleeper, signal.SIGSTOP)
        asleep = time.monotonic()
        trial.check(
            wait_until(lambda: done(0.5), seconds=patience), f"It does not go on: {site.said}"
        )
        wait_until(lambda: time.monotonic() > asleep + 2 * HASTE["RUN_LEASE"])
        kill(sleeper, signal.SIGCONT)
        for command in commands:
            command.wait(2 * patience)
        trial.check(Run.objects.count() == 1, "There were two runs")
        run = Run.objects.get()
        trial.check(run.state == Run.State.DONE, f"The run is {run.state}: {site.said}")
        trial.metric("payers", 60 * len(users) / (time.monotonic() - began), "per min")
        finish(trial, site, psp)
        # A worker that was killed before it asked the PSP has charged nobody: the next night does.
        site.start("process_payments").wait(600)
    check_each_is_charged_once(trial, psp, users)
    trial.check(RunClaim.objects.filter(run=run).count() == len(users), "A payer is missing")
