"""``manage.py demo``, the command behind ``make demo``."""

from __future__ import annotations

import pytest

from tests.ports import free_port

from .conftest import Manage, Visitor, until_it_answers

HOSTS = ("0.0.0.0", "::", "192.0.2.1", "example.com")  # noqa: S104
SERVE = """
from django.core.management import CommandError, call_command
for host in {hosts}:
    try:
        call_command("demo", host=host)
    except CommandError as error:
        print(error)
"""


def test_the_demo_refuses_to_serve_other_machines(manage: Manage) -> None:
    # One process for all of them: starting Django is what takes time here.
    demo = manage("shell", "--verbosity", "0", "--command", SERVE.format(hosts=HOSTS))
    output, _none = demo.communicate(timeout=60)
    assert demo.returncode == 0
    assert output.splitlines() == [
        f"Serve the demo, which needs no password, on loopback, not on {host}." for host in HOSTS
    ]


def test_a_port_that_is_taken_is_said(manage: Manage, site: str) -> None:
    demo = manage("demo", "--port", site.rpartition(":")[2])
    output, _none = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "is in use" in output


def test_a_first_visitor_is_ada_and_owes_something(visitor: Visitor) -> None:
    page = visitor.get("/dashboard/").text
    assert "Hello, Ada" in page
    assert "Schattenhorn" in page


def test_starting_again_keeps_the_data_and_reset_starts_over(manage: Manage) -> None:
    pages = []
    for arguments in ((), (), ("--reset",)):
        port = free_port(following=1)
        demo = manage("demo", "--port", str(port), *arguments)
        visitor = Visitor(until_it_answers(f"http://127.0.0.1:{port}", demo))
        pages.append(visitor.get("/dashboard/").text)
        visitor.post("/sheets/new/", on="/sheets/new/", **SHEET)
        demo.terminate()
        demo.communicate(timeout=20)
    assert ["Piz Kept" in page for page in pages] == [False, True, False]


SHEET = {
    "token": "6a4cb5f8-9c5e-4d4a-8a52-5d8f3f7c0b11",
    "name": "Piz Kept",
    "terrain": "alpine",
    "size": "a4",
    "seed": "3",
}


def test_on_a_server_nobody_is_signed_in_and_settings_stand(manage: Manage) -> None:
    check = manage("check", "--settings", "hillshade.settings")
    output, _none = check.communicate(timeout=60)
    assert check.returncode == 0, output


KEYS = {
    "HILLSHADE_STRIPE_SECRET_KEY": "sk_test_0123456789",
    "HILLSHADE_STRIPE_PUBLISHABLE_KEY": "pk_test_0123456789",
    "HILLSHADE_STRIPE_WEBHOOK_SECRET": "whsec_0123456789",
}


def test_test_keys_in_the_environment_switch_to_stripe_itself(
    manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    # Its checks look for what the policy of the site lacks, and for the secret of webhooks.
    check = manage("check", "--fail-level", "WARNING")
    output, _none = check.communicate(timeout=60)
    assert check.returncode == 0, output


def test_keys_that_move_real_money_are_refused(
    manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HILLSHADE_STRIPE_SECRET_KEY", "sk_live_0123456789")
    check = manage("check")
    output, _none = check.communicate(timeout=60)
    assert check.returncode != 0
    assert "has to be a key of the test mode" in output
