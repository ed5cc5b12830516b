"""A site that charges saved payment methods, and payers who agreed to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import record
from tests.saving import SAVING, saved, saving

MakePayers = Callable[[int], list[User]]


@pytest.fixture(autouse=True)
def site(settings: Settings, psp: SandboxPSP) -> dict[str, Any]:
    """Return the settings of the site: batches of two payers."""
    given: dict[str, Any] = {
        "MOOCHERS": [SAVING],
        "BASE_URL": "https://shop.example",
        "BILLING_SCHEDULE": "payments_ui.core.billing.schedules.nightly",
        "RUN_BATCH": 2,
        "RATE_LIMITS": {saving.identifier: 1000},
    }
    settings.PAYMENTS_UI = given
    return given


@pytest.fixture
def make_payers(make_user: UserFactory) -> MakePayers:
    """Return a factory of people who owe five francs each, and agreed to be charged."""

    def make(number: int) -> list[User]:
        users = [make_user() for _number in range(number)]
        for user in users:
            saved(user, unattended="Charge me.")
            record(user, "5")
        return users

    return make
