"""`manage.py reconcile_payments`: what it prints, and how it exits."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core.models import Attempt
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import bare, pending, started
from tests.fakes import CARDS, FRANCS, charge

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS, FRANCS]}


@pytest.fixture
def opened(make_user: UserFactory, psp: SandboxPSP) -> Callable[..., Attempt]:
    """Return a factory of attempts that the PSP took two minutes ago."""

    def make(step: str = "approve", moocher: str = "cards") -> Attempt:
        attempt = started(pending(make_user(), "5"), moocher=moocher)
        psp.plan.add(step)
        charge(attempt)
        bare(Attempt).update(started_at=timezone.now() - dt.timedelta(minutes=2))
        return attempt

    return make


def run(*args: str) -> str:
    out = StringIO()
    call_command("reconcile_payments", *args, stdout=out)
    return out.getvalue().strip()


OTHERS = (
    "0 payment methods saved, 0 payment methods removed, 0 customers removed, "
    "0 signals sent again, 0 events matched, 0 events found, 0 overdue, 0 mailed to the admins."
)


def test_it_says_what_it_did(opened: Callable[..., Attempt]) -> None:
    for step in ("approve", "insufficient_funds", "processing"):
        opened(step)
    assert run().splitlines() == [
        "3 asked: 1 settled, 0 refunded, 1 failed, 0 with unexpected money, 1 still open.",
        OTHERS,
    ]


def test_it_names_what_it_skips(opened: Callable[..., Attempt]) -> None:
    opened(moocher="gone")
    assert run().splitlines()[-1] == "Skipped: 1 of gone (not listed)."
    assert run("--moocher", "gone").splitlines()[-1] == "Skipped: 1 of gone (not listed)."


def test_a_dry_run_says_so(opened: Callable[..., Attempt]) -> None:
    opened()
    assert run("--dry-run").splitlines() == ["1 due. Nothing was changed.", OTHERS]
    assert run().startswith("1 asked")


def test_all_means_whatever_the_schedule_says(opened: Callable[..., Attempt]) -> None:
    opened("processing")
    assert [run(*args)[0] for args in ([], [], ["--all"])] == ["1", "0", "1"]


def test_programs_get_json(opened: Callable[..., Attempt]) -> None:
    opened()
    opened(moocher="gone")
    figures = json.loads(run("--json"))
    assert {name: figures[name] for name in ("due", "asked", "settled", "errors")} == {
        "due": 1,
        "asked": 1,
        "settled": 1,
        "errors": 0,
    }
    assert figures["skipped"] == {"gone (not listed)": 1}
    assert figures["not_answering"] == []


def test_one_moocher_that_there_is(opened: Callable[..., Attempt]) -> None:
    opened()
    assert run("--moocher", "francs").startswith("0 asked")
    with pytest.raises(CommandError, match="Listed: cards, francs"):
        run("--moocher", "crads")
    assert run("--moocher", "cards").startswith("1 asked")


def test_a_psp_that_does_not_answer_is_exit_code_two(
    opened: Callable[..., Attempt], psp: SandboxPSP
) -> None:
    for _number in range(6):
        opened()
    psp.plan.outage(3600)
    with pytest.raises(CommandError, match="cards does not answer") as incomplete:
        run()
    assert incomplete.value.returncode == 2
    psp.plan.clear()
    assert run().startswith("1 asked: 1 settled")
