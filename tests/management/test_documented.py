"""The command of the documentation charges saved cards, and says when it has to run again."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError, call_command
from pytest_django import Settings

from payments_ui.core import signals
from payments_ui.core.billing.schedules import Owing
from payments_ui.core.models import LineItem, Payment
from payments_ui.flows import resilience
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import pending, record
from tests.fakes import CARDS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "charge.py"

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


def block(page: str, first_line: str) -> dict[str, Any]:
    """Run the block of a page that begins with this comment; return what it defines."""
    text = (ROOT / "docs" / "howto" / page).read_text("utf-8")
    code = text.partition(f"```python\n# {first_line}\n")[2].partition("\n```")[0]
    assert code, f"{page} has no block {first_line}"
    defined: dict[str, Any] = {}
    exec(compile(code, page, "exec"), defined)  # noqa: S102 - our own documentation
    return defined


def test_a_schedule_of_the_sites_own_is_a_function() -> None:
    quarterly = block("charge-at-night.md", "shop/billing.py")["quarterly"]

    def is_due(now: str) -> bool:
        since = datetime(2026, 3, 10, tzinfo=UTC)
        moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
        owing = Owing(user=User(), currency="CHF", amount=Decimal(5), since=since, now=moment)
        return bool(quarterly(owing))

    assert [is_due(day) for day in ("2026-03-31", "2026-04-01", "2026-05-01")] == [
        False,
        True,
        False,
    ]


def test_a_site_is_told_that_a_payment_is_given_up() -> None:
    pause = block("failed-payments.md", "shop/apps.py")["pause"]
    recovery = mock.Mock()
    signals.recovery_given_up.send(sender=object, recovery=recovery)
    recovery.payment.user.profile.pause.assert_called_once_with()
    assert signals.recovery_given_up.disconnect(pause)


def test_people_have_a_language_and_a_time_zone() -> None:
    people = block("mails.md", "shop/people.py")
    user = mock.Mock(profile=mock.Mock(language="de", time_zone="Europe/Zurich"))
    assert (people["language_of"](user), people["time_zone_of"](user)) == ("de", "Europe/Zurich")
