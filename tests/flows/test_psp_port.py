"""What the core asks of the site's moochers."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from payments_ui.core.psp_port import NoPSPs, psps
from tests.core.support import pending, started
from tests.fakes import CARDS, TRANSFER

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("asked", "is_in_use"),
    [
        ({"moocher": "cards"}, True),
        ({"moocher": "cards", "live": True}, False),
        ({"moocher": "cards", "account": "other"}, False),
        ({"moocher": "gone"}, False),
        # It took test money once, and is of real money now.
        ({"moocher": "transfer"}, False),
        ({"moocher": "transfer", "live": True}, True),
    ],
)
def test_a_mode_is_in_use_while_a_listed_moocher_charges_in_it(
    user: User, settings: Any, asked: dict[str, Any], is_in_use: bool
) -> None:
    settings.PAYMENTS_UI |= {"MOOCHERS": [CARDS, TRANSFER]}
    attempt = started(pending(user, "12"), **asked)
    assert psps().is_in_use(attempt) == is_in_use
    # The core alone knows of no moocher that says otherwise.
    assert NoPSPs().is_in_use(attempt)
