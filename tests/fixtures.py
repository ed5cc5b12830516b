"""A site with two ways to pay, and people who use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.fakes import CARDS, FRANCS, FakePSP
from tests.fakes import psp as the_psp
from tests.shopping import Shopper

MakeShopper = Callable[..., Shopper]


@pytest.fixture(autouse=True)
def psp(settings: Settings) -> Iterator[FakePSP]:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS, FRANCS]}
    # Signing in is half of what these tests do.
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    the_psp.reset()
    yield the_psp
    the_psp.reset()


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
    """Return somebody without JavaScript."""
    return make_shopper()


@pytest.fixture
def js_shopper(make_shopper: MakeShopper) -> Shopper:
    """Return somebody with htmx."""
    return make_shopper(js=True)


@pytest.fixture(params=[False, True], ids=["plain", "htmx"])
def any_shopper(make_shopper: MakeShopper, request: pytest.FixtureRequest) -> Shopper:
    """Return somebody without, and somebody with htmx."""
    return make_shopper(js=request.param)
