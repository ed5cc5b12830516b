"""How many statements a night takes for each payer: a look twice as long is twice the night.

Without those that begin and end transactions, and what is asked once for fifty payers or in so many
seconds. But for ``CREATE`` the numbers are the same on each database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from payments_ui.core.runs.counting import progress
from payments_ui.flows import look_ahead
from payments_ui.flows.charge_payers import Options, charge_payers
from payments_ui.flows.leased_run import work
from payments_ui.flows.leased_run.plan import start
from payments_ui.flows.rate_limit import SharedLimit
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import record
from tests.core.test_statements import CREATE
from tests.saving import SAVING, saved

pytestmark = pytest.mark.django_db(transaction=True)

#: The user, as they are now; and to make the payment.
BILL = 1 + CREATE
#: Before the PSP is asked: the payment's lock, and what is open of it; the payment method's lock,
#: and what is locked; what was declined before; the attempt and the journal.
ASK = 2 + 2 + 1 + 2
#: After it: the attempt is settled, and the payment method was used.
SETTLE = 7 + 1
#: In a run: at most one payment of a payer is charged.
CLAIM = 1
#: Of a payer for whom it is not time, or who agreed to nothing.
NOTHING = 0


@pytest.fixture(autouse=True)
def site(settings: Settings, psp: SandboxPSP, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    given: dict[str, Any] = {
        "MOOCHERS": [SAVING],
        "BASE_URL": "https://shop.example",
        "BILLING_SCHEDULE": "payments_ui.core.billing.schedules.nightly",
    }
    settings.PAYMENTS_UI = given
    # A busy machine takes its time.
    given["RUN_LEASE"] = 86_400
    monkeypatch.setattr(look_ahead, "FRESH", 86_400)
    monkeypatch.setattr(work, "LOOK", 86_400)
    monkeypatch.setattr(SharedLimit, "wait", lambda _limit: None)
    return given


def each(make_user: UserFactory, night: Callable[[int], object], *, agreed: bool = True) -> float:
    """How many statements a payer takes, by the difference that two of them make."""

    def cost(payers: int) -> int:
        for _payer in range(payers):
            user = make_user()
            saved(user, unattended="Charge me." if agreed else "")
            record(user, *["1"] * 10)
        with CaptureQueriesContext(connection) as queries:
            night(payers)
        sent = [query["sql"] for query in queries]
        return sum(sql not in ("BEGIN", "COMMIT") and "SAVEPOINT" not in sql for sql in sent)

    one, three = cost(1), cost(3)
    return (three - one) / 2


def test_a_payer_who_is_charged(make_user: UserFactory) -> None:
    def night(payers: int) -> None:
        assert charge_payers(options=Options()).charged == payers

    assert each(make_user, night) == BILL + ASK + SETTLE


def test_a_payer_who_is_charged_in_a_run(make_user: UserFactory) -> None:
    def night(payers: int) -> None:
        run = start()
        work.work(run)
        assert progress(run).charged == payers

    assert each(make_user, night) == BILL + ASK + CLAIM + SETTLE


def test_a_payer_for_whom_it_is_not_time(make_user: UserFactory, site: dict[str, Any]) -> None:
    site["BILLING_MINIMUM"] = {"CHF": 100}
    done: list[int] = []

    def night(payers: int) -> None:
        done.append(payers)
        assert charge_payers(options=Options()).payers == sum(done)

    assert each(make_user, night) == NOTHING


def test_a_payer_who_agreed_to_nothing(make_user: UserFactory) -> None:
    done: list[int] = []

    def night(payers: int) -> None:
        done.append(payers)
        assert charge_payers(options=Options()).payers == sum(done)

    assert each(make_user, night, agreed=False) == NOTHING
