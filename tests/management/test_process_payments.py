"""`manage.py process_payments`: what it prints, and how it exits."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import Unknown
from payments_ui.core.models import Run
from payments_ui.core.runs import steering
from payments_ui.flows.leased_run import plan, processes, work
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import record
from tests.fakes import taken
from tests.flows.leased_run.engine import LIBRARY, HeldBackend, answer_all
from tests.saving import SAVING, saved, saving

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(settings: Settings, psp: SandboxPSP) -> dict[str, Any]:
    given: dict[str, Any] = {
        "MOOCHERS": [SAVING],
        "BASE_URL": "https://shop.example",
        "BILLING_SCHEDULE": "payments_ui.core.billing.schedules.nightly",
    }
    settings.PAYMENTS_UI = given
    return given


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def run(*args: str, out: StringIO | None = None) -> str:
    out = out or StringIO()
    call_command("process_payments", *args, stdout=out)
    return out.getvalue().strip()


@pytest.fixture
def payers(make_user: UserFactory) -> list[User]:
    """Return two people who owe five francs each, and agreed to be charged."""
    users = [make_user(), make_user()]
    for user in users:
        saved(user, unattended="Charge me.")
        record(user, "5")
    return users


def test_it_says_in_one_line_what_it_did(payers: list[User]) -> None:
    done = "2 charged, 0 declined, 0 open, 0 asked, 0 skipped"
    assert run() == f"2 payers, 2 due: {done}."
    assert run() == f"0 payers, 0 due: {done.replace('2', '0')}."


def test_a_dry_run_says_so(payers: list[User], psp: SandboxPSP) -> None:
    assert run("--dry-run") == "2 payers, 2 payments due. Nothing was changed."
    assert not psp.calls


def test_it_says_who_is_not_charged_although_they_owe(payers: list[User]) -> None:
    User.objects.filter(pk=payers[0].pk).update(is_active=False)
    assert run("--dry-run") == "2 payers, 1 payments due (1 inactive). Nothing was changed."
    done = "1 charged, 0 declined, 0 open, 0 asked, 0 skipped, 1 inactive"
    assert run() == f"2 payers, 1 due: {done}."


def test_programs_get_json(payers: list[User]) -> None:
    figures = json.loads(run("--json"))
    assert (figures["payers"], figures["charged"], figures["stopped"]) == (2, 2, "")


def test_a_terminal_gets_a_bar_and_a_program_does_not(payers: list[User]) -> None:
    bar = run("--limit", "1", out=Terminal())
    assert "[" in bar
    assert bar.endswith("1 payers, 1 due: 1 charged, 0 declined, 0 open, 0 asked, 0 skipped.")
    assert json.loads(run("--json", out=Terminal()))["charged"] == 1


def test_one_user_one_currency(payers: list[User], psp: SandboxPSP) -> None:
    assert run("--user", payers[1].username, "--currency", "eur").startswith("0 payers")
    assert run("--user", str(payers[1].pk), "--currency", "chf").startswith("1 payers, 1 due")
    assert taken(psp) == 5


def test_an_outage_is_exit_code_2(make_user: UserFactory) -> None:
    for _user in range(5):
        user = make_user()
        saved(user, unattended="Charge me.")
        record(user, "5")
    saving.outcomes.extend([Unknown(reason="down")] * 5)
    with pytest.raises(CommandError, match="saving does not answer") as raised:
        run()
    assert raised.value.returncode == 2


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("--limit", "0"), "at least 1"),
        (("--currency", "XYZ"), "not a currency"),
        (("--user", "nobody"), "No user"),
    ],
)
def test_wrong_arguments_are_named(args: tuple[str, ...], problem: str) -> None:
    with pytest.raises(CommandError, match=problem) as raised:
        run(*args)
    assert raised.value.returncode == 1


def test_a_site_that_is_not_set_up_is_told_so(site: dict[str, Any]) -> None:
    site["PROCESSORS"] = ["nowhere.at.all"]
    with pytest.raises(CommandError, match="does not import") as raised:
        run()
    assert raised.value.returncode == 1


def test_a_command_goes_on_where_another_was_interrupted(
    payers: list[User], psp: SandboxPSP
) -> None:
    open_run = plan.start()
    steering.interrupt(open_run, why="cards does not answer")
    assert run().startswith("2 payers, 2 due: 2 charged")
    assert Run.objects.get() == open_run


def test_a_run_that_was_stopped_says_so_and_is_resumed_by_name(
    payers: list[User], psp: SandboxPSP
) -> None:
    steering.stop(plan.start(), by="Stopped by ada.")
    with pytest.raises(CommandError, match=r"Stopped by ada\."):
        run()
    assert not psp.calls
    assert run("--resume").startswith("2 payers, 2 due: 2 charged")


def test_a_run_that_is_stopped_meanwhile_is_exit_code_2(payers: list[User]) -> None:
    stop = mock.patch.object(processes, "work_here", lambda run, **_: steering.stop(run, by="Ada."))
    with stop, pytest.raises(CommandError, match=r"The run was stopped: Ada\.") as stopped:
        run()
    assert stopped.value.returncode == 2


def test_a_worker_works_on_its_run_and_starts_no_other(payers: list[User], psp: SandboxPSP) -> None:
    named = str(plan.start().pk)
    assert run("--run", named).startswith("2 payers, 2 due: 2 charged")
    record(payers[0], "5")
    assert run("--run", named).startswith("2 payers, 2 due: 2 charged")
    assert taken(psp) == 10


@pytest.mark.parametrize("key", ["no-key", "00000000-0000-0000-0000-000000000000"])
def test_a_run_that_is_not_there_is_named(key: str) -> None:
    with pytest.raises(CommandError, match=f"No run has the key {key}"):
        run("--run", key)


def test_workers_are_at_least_one() -> None:
    with pytest.raises(CommandError, match="--workers is at least 1"):
        run("--workers", "0")


def test_so_many_processes_are_started(payers: list[User]) -> None:
    with mock.patch.object(processes, "work_here") as work_here:
        run("--workers", "4")
    assert work_here.call_args.kwargs["workers"] == 4


def test_a_bar_follows_the_whole_run(payers: list[User]) -> None:
    with mock.patch.object(work, "LOOK", -1):
        assert "[" in run(out=Terminal())


@pytest.mark.django_db(transaction=True)
def test_workers_of_a_queue_are_told_and_nothing_is_done_here(
    payers: list[User], settings: Settings, psp: SandboxPSP
) -> None:
    settings.TASKS = {"default": {"BACKEND": f"{HeldBackend.__module__}.HeldBackend"}}
    assert run("--enqueue").startswith("0 payers")
    assert not psp.calls
    assert answer_all() == 1
    assert taken(psp) == 10


def test_without_a_queue_nothing_is_begun(payers: list[User], settings: Settings) -> None:
    settings.TASKS = {"default": {"BACKEND": f"{LIBRARY}.backends.dummy.DummyBackend"}}
    with pytest.raises(CommandError, match="has no workers"):
        run("--enqueue")
    assert not Run.objects.exists()
