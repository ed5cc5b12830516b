"""No PSP is asked inside a transaction, whatever the host's settings say."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test import Client, RequestFactory

from payments_ui.core import journal
from payments_ui.core.attempts.outcomes import Outcome
from payments_ui.core.models import Attempt
from payments_ui.flows import cancel, pay
from payments_ui.flows.psp_call import TransactionOpenError
from payments_ui.testing.psp import SandboxPSP
from tests.fakes import cards, charge, charge_of
from tests.shopping import Shopper, attempt_of, report, stored, url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


def test_paying_works_where_requests_are_transactions(
    atomic_requests: None, any_shopper: Shopper, psp: SandboxPSP
) -> None:
    open_blocks: list[bool] = []

    def look(attempt: Attempt) -> Outcome:
        open_blocks.append(connection.in_atomic_block)
        return charge(attempt)

    cards.outcomes.append(look)
    payment = any_shopper.begin("5.00")
    any_shopper.pay(payment)
    assert stored(payment).state == "charged"
    assert open_blocks == [False]


def test_asking_again_works_where_requests_are_transactions(
    atomic_requests: None, shopper: Shopper, psp: SandboxPSP
) -> None:
    psp.plan.add("3ds")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    back = charge_of(psp, attempt_of(payment)).return_url
    assert shopper.get(back).status_code == 303
    assert shopper.get(url("payment", payment)).status_code == 200
    assert report(Client(), attempt_of(payment)).status_code == 200
    assert shopper.post(url("cancellation", payment)).status_code == 303
    assert psp.calls == {"create": 1, "fetch": 2, "cancel": 1}


def test_a_flow_inside_a_transaction_is_refused_before_anything_is_asked(
    shopper: Shopper, psp: SandboxPSP, rf: RequestFactory
) -> None:
    payment = shopper.begin("5.00")
    data = shopper.form(payment)
    request = rf.post("/", data)
    request.user = shopper.user
    with pytest.raises(TransactionOpenError), transaction.atomic():
        pay.pay(request, payment, cards, data)
    assert not psp.calls
    assert not payment.attempts.exists()


def test_giving_up_inside_a_transaction_is_refused(shopper: Shopper, psp: SandboxPSP) -> None:
    psp.plan.add("3ds")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    by = journal.by_user(shopper.user)
    with pytest.raises(TransactionOpenError), transaction.atomic():
        cancel.cancel(stored(payment), by=by)
    assert stored(payment).state == "processing"
