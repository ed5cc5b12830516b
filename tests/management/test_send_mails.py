"""`manage.py send_mails`: what it prints, and how it exits."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from payments_ui.flows.mails.due import begin
from tests.core.support import charged
from tests.fakes import CARDS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(settings: Settings) -> dict[str, Any]:
    given = {"MOOCHERS": [CARDS], "BASE_URL": "https://shop.example"}
    settings.PAYMENTS_UI = given
    begin()
    return given


def run(*args: str) -> str:
    out = StringIO()
    call_command("send_mails", *args, stdout=out)
    return out.getvalue().strip()


def test_it_says_what_it_sent(user: User) -> None:
    charged(user, "5")
    assert run("--dry-run") == "1 mails due. Nothing was sent."
    assert run() == "1 mails due, sent: 1 receipt."
    assert run() == "0 mails due, sent: none."
    assert json.loads(run("--json"))["due"] == 0


def test_without_a_server_it_is_exit_code_2(user: User, mail_is_down: None) -> None:
    charged(user, "5")
    with pytest.raises(CommandError, match="1 mails were not sent") as raised:
        run()
    assert raised.value.returncode == 2


def test_links_need_the_address_of_the_site(site: dict[str, Any]) -> None:
    del site["BASE_URL"]
    with pytest.raises(CommandError, match="BASE_URL"):
        run()
