"""`manage.py expire_payments`: what it prints, and how it exits."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Payment
from payments_ui.testing.failpoints import at, raise_
from tests.conftest import UserFactory
from tests.core.support import pending
from tests.fakes import CARDS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}


def old(user: User) -> Payment:
    return pending(user, "5", created_at=timezone.now() - dt.timedelta(days=20))


def run(*args: str, **options: Any) -> str:
    out = StringIO()
    call_command("expire_payments", *args, stdout=out, **options)
    return out.getvalue().strip()


def test_it_says_what_it_did(make_user: UserFactory) -> None:
    old(make_user())
    old(make_user())
    pending(make_user(), "5")
    assert run() == "2 abandoned payments: 2 given up, 0 charged after all, 0 kept."
    assert Payment.objects.count() == 1


def test_a_dry_run_says_so(user: User) -> None:
    old(user)
    assert run("--dry-run") == "1 abandoned payments. Nothing was changed."
    assert Payment.objects.count() == 1


def test_programs_get_json(user: User) -> None:
    old(user)
    figures = {"due": 1, "expired": 1, "charged": 0, "kept": 0, "errors": 0, "not_answering": []}
    assert json.loads(run("--json")) == figures


def test_one_user_and_other_days(make_user: UserFactory) -> None:
    first, second = make_user(), make_user()
    old(first)
    old(second)
    assert run("--days", "30").startswith("0 ")
    assert run("--user", first.username).startswith("1 ")
    assert run("--user", str(second.pk), "--days", "19").startswith("1 ")


@pytest.mark.parametrize("args", [["--days", "0"], ["--user", "nobody"], ["--user", "0"]])
def test_what_makes_no_sense_is_refused(user: User, args: list[str]) -> None:
    old(user)
    with pytest.raises(CommandError) as refused:
        run(*args)
    assert refused.value.returncode == 1
    assert Payment.objects.exists()


def test_what_went_wrong_is_exit_code_two(make_user: UserFactory) -> None:
    old(make_user())
    old(make_user())
    with (
        at(Point.CANCEL_BEFORE_COMMIT, raise_(RuntimeError), on_hit=1),
        pytest.raises(CommandError, match="1 failed") as incomplete,
    ):
        run()
    assert incomplete.value.returncode == 2
    assert Payment.objects.count() == 1
