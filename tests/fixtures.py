"""A site with two payment options, and people who use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from payments_ui.testing.psp import SandboxPSP
from tests import fakes
from tests.fakes import CARDS, FRANCS, FakeMoocher, cards, francs
from tests.saving import other, saving
from tests.shopping import Shopper

MakeShopper = Callable[..., Shopper]


@pytest.fixture(autouse=True)
def psp(settings: Settings) -> Iterator[SandboxPSP]:
    """Return the PSP of the moochers in `tests.fakes`; the site offers two of them."""
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS, FRANCS]}
    # Signing in is half of what these tests do.
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    with fakes.new_psp() as psp:
        FakeMoocher.sandbox.pay_at(psp.url)
        yield psp
    for moocher in (cards, francs, saving, other):
        moocher.outcomes.clear()
    for keeper in (saving, other):
        keeper.kept.clear()
        keeper.setups.clear()


@pytest.fixture
def make_shopper(make_user: Callable[..., User]) -> MakeShopper:
    def make(*, js: bool = False, **fields: Any) -> Shopper:
        user = make_user(**fields)
        client = Client()
        client.force_login(user)
        return Shopper(user, client, js)

    return make


@pytest.fixture
def shopper(make_shopper: MakeShopper) -> Shopper:
    """Return a customer without JavaScript."""
    return make_shopper()


@pytest.fixture
def js_shopper(make_shopper: MakeShopper) -> Shopper:
    """Return a customer with htmx."""
    return make_shopper(js=True)


@pytest.fixture(params=[False, True], ids=["plain", "htmx"])
def any_shopper(make_shopper: MakeShopper, request: pytest.FixtureRequest) -> Shopper:
    """Return a customer without htmx, then with it."""
    return make_shopper(js=request.param)
