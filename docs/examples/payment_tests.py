"""Tests of a site that is paid for what its users use."""

# ruff: noqa: S101 - assert is what tests do
from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.exceptions import AttemptOpenError
from payments_ui.testing.failpoints import Gate, acting_as, raise_
from payments_ui.testing.paying import pay

pytestmark = pytest.mark.usefixtures("payments_books")


@pytest.fixture
def payment(django_user_model: Any, client: Any) -> Any:
    ada = django_user_model.objects.create_user("ada", "ada@example.com")
    client.force_login(ada)
    LineItem.objects.record(user=ada, title="Rendering", amount="12.00")
    return Payment.objects.create_pending(user=ada)


def is_charged(payment: Payment) -> bool:
    return Payment.objects.get(pk=payment.pk).charged_at is not None


def test_a_card_is_charged(payments_psp: Any, payment: Payment, client: Any) -> None:
    pay(client, payment, card="card_approve")
    assert is_charged(payment)
    assert payments_psp.ledger.totals()["CHF"].taken == 1200


def test_a_declined_card_leaves_it_owed(payments_psp: Any, payment: Payment, client: Any) -> None:
    assert pay(client, payment, card="card_declined").failure_code == "card_declined"
    assert not is_charged(payment)


def test_a_page_at_the_psp(payments_psp: Any, payment: Payment, client: Any) -> None:
    attempt = pay(client, payment, "sandbox-page")
    back = payments_psp.decide(attempt.action_url, "approve")
    client.get(back)
    assert is_charged(payment)


def test_an_answer_that_is_lost(payments_psp: Any, payment: Payment, client: Any) -> None:
    payments_psp.plan.add("lost_reply")
    assert pay(client, payment, card="card_approve").state == Attempt.State.UNKNOWN
    assert payments_psp.deliver_webhooks()  # the webhook tells
    assert is_charged(payment)


def test_a_debit_that_takes_a_day(payments_psp: Any, payment: Payment, client: Any) -> None:
    payments_psp.plan.add("processing")
    pay(client, payment, card="card_approve")
    assert not is_charged(payment)
    payments_psp.advance(24 * 3600)
    assert payments_psp.deliver_webhooks()
    assert is_charged(payment)


def test_webhooks_in_the_wrong_order(payments_psp: Any, payment: Payment, client: Any) -> None:
    payments_psp.plan.reorder(2)
    attempt = pay(client, payment, "sandbox-page")
    payments_psp.decide(attempt.action_url, "approve")
    assert payments_psp.deliver_webhooks()
    assert is_charged(payment)


def test_money_back(payments_psp: Any, payment: Payment, client: Any) -> None:
    pay(client, payment, card="card_approve")
    charged = Payment.objects.get(pk=payment.pk)
    charged.refund("5.00", reason="Half of it was dark")
    assert payments_psp.ledger.totals()["CHF"].kept == 700


def test_the_process_dies_before_it_hears_the_answer(
    payments_psp: Any, payments_failpoints: Any, payment: Payment, client: Any
) -> None:
    payments_failpoints(Point.CHARGE_AFTER_PSP, raise_(SystemError("crash")), on_hit=1)
    with pytest.raises(SystemError):
        pay(client, payment, card="card_approve")
    assert payments_psp.deliver_webhooks()
    assert is_charged(payment)


@pytest.mark.django_db(transaction=True)
def test_the_clerk_cancels_while_the_customer_pays(
    payments_psp: Any, payments_failpoints: Any, payment: Payment, client: Any
) -> None:
    gate = Gate()
    payments_failpoints(Point.CHARGE_AFTER_PSP, gate, actor="customer")

    def customer() -> None:
        with acting_as("customer"):
            pay(client, payment, card="card_approve")
        connection.close()

    thread = threading.Thread(target=customer)
    thread.start()
    with gate.held(), pytest.raises(AttemptOpenError):
        payment.cancel_pending()  # the PSP has charged, and the answer is not stored yet
    thread.join()
    assert is_charged(payment)
