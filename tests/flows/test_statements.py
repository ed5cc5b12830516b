"""How many statements a night takes for each payer: a look twice as long is twice the night."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from payments_ui.flows.charge_payers import Options, charge_payers
from payments_ui.flows.rate_limit import SharedLimit
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import record
from tests.saving import SAVING, saved

pytestmark = pytest.mark.django_db(transaction=True)

#: Whether and what to charge: the payment, the user, what they owe, their payment method, and what
#: was declined of it before, twice; four to make the payment.
LOOK = 6 + 4
#: Before the PSP is asked: the payment method, again, and as it is stored after the PSP was asked
#: about it; the payment's lock, what is open of it, what was declined before, three times; the
#: payment method's lock, and what is locked; the attempt and the journal.
ASK = 2 + 2 + 3 + 2 + 2
#: After it: the attempt is settled, and the payment method was used.
SETTLE = 7 + 1


def test_each_payer_of_a_night(
    make_user: UserFactory, settings: Settings, psp: SandboxPSP, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {
        "MOOCHERS": [SAVING],
        "BASE_URL": "https://shop.example",
        "BILLING_SCHEDULE": "payments_ui.core.billing.schedules.nightly",
    }
    settings.PAYMENTS_UI = given
    monkeypatch.setattr(SharedLimit, "wait", lambda _limit: None)

    def cost(payers: int) -> int:
        for _payer in range(payers):
            user = make_user()
            saved(user, unattended="Charge me.")
            record(user, *["1"] * 10)
        with CaptureQueriesContext(connection) as queries:
            assert charge_payers(options=Options()).charged == payers
        sent = [query["sql"] for query in queries]
        return sum(sql not in ("BEGIN", "COMMIT") and "SAVEPOINT" not in sql for sql in sent)

    one, three = cost(1), cost(3)
    assert three - one == 2 * (LOOK + ASK + SETTLE)
