"""No PSP is asked inside a transaction, whatever the host's settings say."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test import Client, RequestFactory

from payments_ui.core import journal
from payments_ui.flows import cancel, pay
from payments_ui.flows.psp_call import TransactionOpenError
from tests.fakes import FakePSP, cards
from tests.shopping import Shopper, attempt_of, report, stored, url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


def test_paying_works_where_requests_are_transactions(
    atomic_requests: None, any_shopper: Shopper, psp: FakePSP
) -> None:
    open_blocks: list[bool] = []
    psp.during = lambda: open_blocks.append(connection.in_atomic_block)
    payment = any_shopper.begin("5.00")
    any_shopper.pay(payment)
    assert stored(payment).state == "charged"
    assert open_blocks == [False]


def test_asking_again_works_where_requests_are_transactions(
    atomic_requests: None, shopper: Shopper, psp: FakePSP
) -> None:
    psp.plan.append("action")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    back = psp.of(attempt_of(payment)).urls.return_url
    assert shopper.get(back).status_code == 303
    assert shopper.get(url("payment", payment)).status_code == 200
    assert report(Client(), attempt_of(payment)).status_code == 200
    assert shopper.post(url("cancellation", payment)).status_code == 303
    assert psp.asked == ["charge", "ask", "ask", "cancel"]


def test_a_flow_inside_a_transaction_is_refused_before_anything_is_asked(
    shopper: Shopper, psp: FakePSP, rf: RequestFactory
) -> None:
    payment = shopper.begin("5.00")
    data = shopper.form(payment)
    request = rf.post("/", data)
    request.user = shopper.user
    with pytest.raises(TransactionOpenError), transaction.atomic():
        pay.pay(request, payment, cards, data)
    assert psp.asked == []
    assert not payment.attempts.exists()


def test_giving_up_inside_a_transaction_is_refused(shopper: Shopper, psp: FakePSP) -> None:
    psp.plan.append("action")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    by = journal.by_user(shopper.user)
    with pytest.raises(TransactionOpenError), transaction.atomic():
        cancel.cancel(stored(payment), by=by)
    assert stored(payment).state == "processing"
