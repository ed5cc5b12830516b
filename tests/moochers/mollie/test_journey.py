"""The whole way, both servers real: form, Mollie's page, unsigned webhook, return, in any order."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from payments_ui.core.models import Attempt, Dispute, Event, Payment, Refund
from payments_ui.flows import return_from_psp
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.mollie import MollieMoocher
from payments_ui.testing.moochers import listed
from payments_ui.testing.psp import SandboxPSP
from payments_ui.testing.psp.ledger.refunds import RefundOrder
from payments_ui.testing.psp.scenarios import AS_USUAL
from tests.core.support import ADMINS

from .conftest import the_charge

pytestmark = pytest.mark.django_db(transaction=True)
State = Attempt.State
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def shop(live_server: Any, settings: Any, moocher: MollieMoocher, user: User) -> Client:
    """The customer's browser, signed in at a site that listens."""
    settings.PAYMENTS_UI = {"MOOCHERS": listed(moocher)}
    client = Client(HTTP_HOST=live_server.url.removeprefix("http://"))
    client.force_login(user)
    return client


def submit(shop: Client, payment: Payment) -> Attempt:
    """Post the form."""
    url = reverse("payments_ui:moocher", kwargs={"pk": payment.pk, "identifier": "mollie"})
    reply = shop.post(url, FormToken.fields(payment))
    assert reply.status_code < 400
    return Attempt.objects.get(payment=payment)


def let_time_pass(attempt: Attempt) -> None:
    """Each attempt is asked about at most every few seconds: let them be over."""
    rows: QuerySet[Attempt] = QuerySet(Attempt).filter(pk=attempt.pk)
    rows.update(asked_at=timezone.now() - dt.timedelta(minutes=1))


def post(shop: Client, attempt: Attempt, reference: str | None = None) -> int:
    """What anybody can post; return the HTTP status."""
    url = reverse("payments_ui:webhook", kwargs={"identifier": "mollie"})
    body = f"id={reference or attempt.psp_reference}"
    return shop.post(f"{url}?attempt={attempt.pk}", body, content_type=FORM).status_code


def books(psp: SandboxPSP, payment: Payment) -> tuple[Any, str, int]:
    """What the payment says, what its attempt says, and what Mollie took."""
    payment = Payment.objects.get(pk=payment.pk)
    total = psp.ledger.totals().get("CHF")
    return payment.state, payment.attempts.get().state, total.kept if total else 0


CHARGED = (Payment.State.CHARGED, State.SETTLED, 1200)
OWED = Payment.State.PENDING
OPEN = (Payment.State.PROCESSING, State.REQUIRES_ACTION, 0)


@pytest.mark.parametrize("first", ["webhook", "return"])
def test_the_page_pays_whoever_comes_first(
    psp: SandboxPSP, shop: Client, payment: Payment, first: str
) -> None:
    attempt = submit(shop, payment)
    assert attempt.state == State.REQUIRES_ACTION
    return_url = psp.decide(attempt.action_url, "approve")
    if first == "webhook":
        assert psp.deliver_webhooks()
        assert books(psp, payment) == CHARGED
    assert shop.get(return_url).status_code < 400
    assert books(psp, payment) == CHARGED
    let_time_pass(attempt)
    psp.advance(3600)
    assert psp.deliver_webhooks()
    assert books(psp, payment) == CHARGED


@pytest.mark.parametrize(
    ("decision", "state"), [("refuse", State.FAILED), ("cancel", State.CANCELLED)]
)
def test_a_page_that_was_refused_leaves_the_payment_owed(
    psp: SandboxPSP, shop: Client, payment: Payment, decision: str, state: str
) -> None:
    attempt = submit(shop, payment)
    psp.decide(attempt.action_url, decision)
    assert psp.deliver_webhooks()
    assert books(psp, payment) == (OWED, state, 0)


def test_a_payment_that_nobody_pays_expires(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    submit(shop, payment)
    psp.advance(3600)
    assert psp.deliver_webhooks()
    assert books(psp, payment) == (OWED, State.FAILED, 0)


def test_the_webhook_settles_what_had_no_answer(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    psp.plan.add("lost_reply")
    attempt = submit(shop, payment)
    assert attempt.state == State.UNKNOWN
    psp.bank.decide(the_charge(psp).page_token, "approve")
    assert psp.deliver_webhooks()
    assert books(psp, payment) == CHARGED


@pytest.mark.parametrize("what", ["amount", "currency", "account", "mode"])
def test_wrong_money_is_kept_as_a_mismatch_and_charges_nothing(
    psp: SandboxPSP, shop: Client, payment: Payment, what: str
) -> None:
    psp.plan.add(f"wrong_{what}")
    attempt = submit(shop, payment)
    psp.decide(attempt.action_url, "approve")
    assert psp.deliver_webhooks()
    assert books(psp, payment)[:2] == (OWED, State.MISMATCH)


def test_a_made_up_webhook_has_mollie_asked_nothing_and_stores_nothing(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    submit(shop, payment)
    asked = psp.calls["fetch"]
    stranger = Attempt(psp_reference="tr_1")
    assert [post(shop, stranger, f"tr_{number}") for number in range(50)] == [200] * 50
    url = reverse("payments_ui:webhook", kwargs={"identifier": "mollie"})
    assert shop.post(url, "id=tr_1", content_type=FORM).status_code == 400
    assert psp.calls["fetch"] == asked
    assert not Event.objects.exists()
    assert books(psp, payment) == OPEN


def test_who_repeats_a_webhook_has_mollie_asked_once_in_a_while(
    psp: SandboxPSP, shop: Client, payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow this machine is.
    monkeypatch.setattr(return_from_psp, "AT_MOST_EVERY", dt.timedelta(hours=1))
    attempt = submit(shop, payment)
    asked = psp.calls["fetch"]
    statuses = [post(shop, attempt) for _time in range(50)]
    assert statuses == [200] + [503] * 49, "later it may be said again"
    assert psp.calls["fetch"] == asked + 1
    assert books(psp, payment) == OPEN


def test_a_webhook_that_lies_about_the_payment_changes_nothing(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    attempt = submit(shop, payment)
    assert post(shop, attempt, "tr_forged") == 503
    assert books(psp, payment) == OPEN
    assert not Event.objects.exists()


def test_a_second_charge_for_an_attempt_is_kept(
    psp: SandboxPSP, shop: Client, payment: Payment, moocher: MollieMoocher
) -> None:
    attempt = submit(shop, payment)
    psp.decide(attempt.action_url, "approve")
    assert psp.deliver_webhooks()
    second = moocher._client.create_payment(
        {
            "amount": {"currency": "CHF", "value": "12.00"},
            "description": "the same",
            "redirectUrl": "http://localhost:9/",
            "metadata": {"attempt": str(attempt.pk)},
        },
        key="another",
    )
    psp.decide(second["_links"]["checkout"]["href"], "approve")
    let_time_pass(attempt)
    assert post(shop, attempt, second["id"]) == 200
    surplus = Attempt.objects.get(psp_reference=second["id"])
    assert (surplus.state, surplus.received) == (State.SURPLUS, Decimal(12))


def test_a_refund_of_ours_and_one_of_the_dashboard_end_in_the_books(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    attempt = submit(shop, payment)
    psp.decide(attempt.action_url, "approve")
    assert psp.deliver_webhooks()
    psp.plan.add("pending")
    Payment.objects.get(pk=payment.pk).refund(Decimal(5), reason="Returned", by="clerk")
    psp.advance(60)
    charge = the_charge(psp)
    psp.bank.refund(RefundOrder(charge=charge.id, amount=300, reference="dashboard"), AS_USUAL)
    let_time_pass(attempt)
    assert psp.deliver_webhooks()
    let_time_pass(attempt)
    psp.advance(3600)
    assert psp.deliver_webhooks()
    refunds = Refund.objects.order_by("amount")
    assert [(one.amount, one.state) for one in refunds] == [
        (Decimal(3), Refund.State.SUCCEEDED),
        (Decimal(5), Refund.State.SUCCEEDED),
    ]
    assert Attempt.objects.get(pk=attempt.pk).refunded_amount == Decimal(8)


def test_a_refund_that_comes_back_is_booked_back_and_told(
    psp: SandboxPSP, shop: Client, payment: Payment, settings: Any
) -> None:
    settings.ADMINS = ADMINS
    attempt = submit(shop, payment)
    psp.decide(attempt.action_url, "approve")
    assert psp.deliver_webhooks()
    psp.plan.add("returned")
    Payment.objects.get(pk=payment.pk).refund(Decimal(5), reason="Returned", by="clerk")
    mail.outbox.clear()
    psp.advance(60)
    let_time_pass(attempt)
    psp.deliver_webhooks()
    let_time_pass(attempt)
    psp.advance(3600)
    assert psp.deliver_webhooks()
    assert Refund.objects.get().state == Refund.State.CAME_BACK
    assert Attempt.objects.get(pk=attempt.pk).refunded_amount == 0
    assert mail.outbox


def test_a_chargeback_and_its_reversal_end_in_the_books(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    attempt = submit(shop, payment)
    psp.decide(attempt.action_url, "approve")
    assert psp.deliver_webhooks()
    dispute = psp.bank.open_dispute(the_charge(psp).id, reason="fraudulent")
    let_time_pass(attempt)
    assert psp.deliver_webhooks()
    assert Dispute.objects.get().state == Dispute.State.LOST
    assert Attempt.objects.get(pk=attempt.pk).disputed_amount == Decimal(12)
    psp.bank.win_dispute(dispute.id)
    let_time_pass(attempt)
    assert psp.deliver_webhooks()
    assert Dispute.objects.get().state == Dispute.State.WON
    assert Attempt.objects.get(pk=attempt.pk).disputed_amount == 0
