"""The database server dies in the middle of a run."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command
from django.db import connection

from payments_ui.testing.psp import SandboxPSP

from . import jobs, processes, site
from .frame import Trial, differences, findings, scenario
from .servers import Server, answering, instead, private_server
from .test_replies import LATER, check_each_is_charged_once, many_who_owe, reconcile

RESTARTS = 3


def elsewhere(database: dict[str, Any], psp_url: str, later: float) -> None:
    """The nightly run, on another database."""
    with instead(database):
        jobs.run(psp_url, later, jobs.charge_everybody)


@scenario(
    20,
    "Database restart in mid-run",
    provoked="the database server (one of the scenario's own) is killed with SIGKILL three times "
    "in the middle of a bulk run, and started again",
    promised="the run is done again and goes on; everybody is charged once",
    databases=("postgres", "mariadb"),
    full_only=True,
)
def test_a_run_survives_the_death_of_the_database(trial: Trial) -> None:
    with private_server() as server, site.new_psp() as psp:
        call_command("migrate", verbosity=0)
        users = many_who_owe(200)
        trial.tried(len(users))
        for part in range(RESTARTS):
            error = killed_in_mid_run(server, psp, len(users) * (part + 1) // (RESTARTS + 2))
            trial.check("OperationalError" in error, "The run did not notice")
        reconcile(psp)
        ended = processes.run(elsewhere, server.settings(), psp.url, LATER)
        trial.check(not ended.error, ended.error)
        check_each_is_charged_once(trial, psp, users)
        trial.violations += [str(one) for one in findings()] + differences(psp)
        connection.close()


def killed_in_mid_run(server: Server, psp: SandboxPSP, charges: int) -> str:
    """Start a run, and kill the database when the PSP has made so many charges; how it failed."""
    with processes.started([(elsewhere, (server.settings(), psp.url, 0))]) as (run,):
        end = time.monotonic() + 60
        while len(psp.ledger.charges.newest()) < charges and time.monotonic() < end:
            time.sleep(0.005)
        server.crash()
        server.start()
        error = run.ended().error
    answering()
    return error
