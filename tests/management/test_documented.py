"""The command of the documentation charges saved cards, and says when it has to run again."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError, call_command
from pytest_django import Settings

from payments_ui.core.models import LineItem, Payment
from payments_ui.flows import resilience
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import pending, record
from tests.fakes import CARDS

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "charge.py"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _site(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}
    # The requests of a test need not be ten a second.
    monkeypatch.setattr(resilience.RateLimit, "wait", lambda _limit: None)


@pytest.fixture
def charge(monkeypatch: pytest.MonkeyPatch) -> BaseCommand:
    """Return the command of a shop where users with an e-mail address have saved a card."""
    shop: Any = ModuleType("shop.models")
    shop.SavedCard = SimpleNamespace(objects=Cards())
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.models", shop)
    spec = importlib.util.spec_from_file_location("charge", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    command: BaseCommand = module.Command()
    return command


class Cards:
    """The saved cards of the shop."""

    def filter(self, *, user: int) -> Any:
        owner = User.objects.exclude(email="").filter(pk=user).first()
        return SimpleNamespace(first=lambda: owner and SimpleNamespace(token="tok"))


def test_whoever_saved_a_card_is_charged(charge: BaseCommand, make_user: UserFactory) -> None:
    record(make_user(), "5")
    record(make_user(email=""), "5")
    pending(make_user(), "5")
    call_command(charge)
    assert Payment.objects.charged().count() == 2
    assert LineItem.objects.unbound().count() == 1


def test_an_outage_is_exit_code_two_and_the_next_run_goes_on(
    charge: BaseCommand, make_user: UserFactory, psp: SandboxPSP
) -> None:
    for _number in range(7):
        record(make_user(), "5")
    psp.plan.outage(3600)
    with pytest.raises(CommandError) as stopped:
        call_command(charge)
    assert stopped.value.returncode == 2
    assert psp.calls == {"create": 5}
    psp.plan.clear()
    call_command(charge)
    assert Payment.objects.charged().count() == 2
