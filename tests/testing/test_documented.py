"""What "Test your site" shows runs, as a site would run it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import LazySettings
from django.test import Client

from payments_ui.core.models import Payment
from payments_ui.testing.paying import pay
from payments_ui.testing.psp import SCENARIOS, SandboxPSP

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "howto" / "test-your-site.md"


def _shown() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "payment_tests", DOCS / "examples/payment_tests.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_module = _shown()
pytestmark = _module.pytestmark
payment = _module.payment
globals().update({name: one for name, one in vars(_module).items() if name.startswith("test_")})


def test_a_form_that_the_site_refuses_starts_nothing(
    payments_psp: SandboxPSP, payment: Payment, client: Client, settings: LazySettings
) -> None:
    with pytest.raises(AssertionError, match="started no attempt"):
        pay(client, payment, card="card_nonsense")


def test_every_test_is_shown_on_the_page() -> None:
    shown = re.findall(r":pyobject: (\w+)", PAGE.read_text())
    tests = [name for name in vars(_module) if name.startswith("test_")]
    assert [name for name in shown if name.startswith("test_")] == tests
    assert all(hasattr(_module, name) for name in shown)


def test_every_scenario_is_on_the_page() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.read_text()))
    assert set(SCENARIOS) - named == set()
