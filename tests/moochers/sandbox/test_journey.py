"""The whole way, both servers real: form, PSP, page, webhook, return, in any order."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from payments_ui.core.models import Attempt, Payment
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.testing.moochers import listed
from payments_ui.testing.psp import SandboxPSP

pytestmark = pytest.mark.django_db(transaction=True)
State = Attempt.State


@pytest.fixture
def shop(
    live_server: Any,
    settings: Any,
    moocher: SandboxMoocher,
    page_moocher: SandboxMoocher,
    user: User,
) -> Client:
    """The customer's browser, signed in at a site that listens."""
    paths = listed(moocher, page_moocher)
    settings.PAYMENTS_UI = {"ALLOW_SANDBOX": True, "MOOCHERS": paths}
    client = Client(HTTP_HOST=live_server.url.removeprefix("http://"))
    client.force_login(user)
    return client


def submit(shop: Client, payment: Payment, identifier: str, **data: str) -> Attempt:
    """Post the form of a way to pay."""
    url = reverse("payments_ui:moocher", kwargs={"pk": payment.pk, "identifier": identifier})
    reply = shop.post(url, FormToken.fields(payment) | data)
    # 402 is a decline, said on the page itself.
    assert reply.status_code < 400 or reply.status_code == 402
    return Attempt.objects.get(payment=payment)


def decide(psp: SandboxPSP, attempt: Attempt, decision: str) -> str:
    """Push a button on the sandbox's page; return where it leads."""
    charge = psp.bank.decide(attempt.action_url.rsplit("/", 1)[1], decision)
    assert charge
    return charge.return_url


def books(psp: SandboxPSP, payment: Payment) -> tuple[Any, str, int]:
    """What the payment says, what its attempt says, and what the sandbox took."""
    payment = Payment.objects.get(pk=payment.pk)
    total = psp.ledger.totals().get("CHF")
    return payment.state, payment.attempts.get().state, total.kept if total else 0


CHARGED = (Payment.State.CHARGED, State.SETTLED, 1200)
OWED = Payment.State.PENDING


def test_a_test_card_pays_in_place(psp: SandboxPSP, shop: Client, payment: Payment) -> None:
    submit(shop, payment, "sandbox", card="card_approve")
    assert books(psp, payment) == CHARGED
    assert psp.deliver_webhooks()
    assert books(psp, payment) == CHARGED


def test_a_declined_card_leaves_the_payment_owed(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    submit(shop, payment, "sandbox", card="card_declined")
    assert books(psp, payment) == (OWED, State.FAILED, 0)


@pytest.mark.parametrize("card", ["card_lost_reply", "card_error_after", "card_processing"])
def test_the_webhook_settles_what_had_no_answer(
    psp: SandboxPSP, shop: Client, payment: Payment, card: str
) -> None:
    attempt = submit(shop, payment, "sandbox", card=card)
    assert attempt.state in {State.UNKNOWN, State.PROCESSING, State.SETTLED}
    psp.advance(10)
    assert psp.deliver_webhooks()
    assert books(psp, payment) == CHARGED


@pytest.mark.parametrize("first", ["webhook", "return"])
@pytest.mark.parametrize("scenario", ["approve", "duplicate_webhook", "reordered_webhooks"])
def test_the_page_pays_whoever_comes_first(
    psp: SandboxPSP, shop: Client, payment: Payment, first: str, scenario: str
) -> None:
    psp.plan.add(scenario)
    attempt = submit(shop, payment, "sandbox-page")
    assert attempt.state == State.REQUIRES_ACTION
    return_url = decide(psp, attempt, "approve")
    if first == "webhook":
        assert psp.deliver_webhooks()
        assert books(psp, payment) == CHARGED
    assert shop.get(return_url).status_code < 400
    assert books(psp, payment) == CHARGED
    psp.advance(10)
    assert psp.deliver_webhooks()
    assert books(psp, payment) == CHARGED


@pytest.mark.parametrize(
    ("decision", "state"), [("refuse", State.FAILED), ("cancel", State.CANCELLED)]
)
def test_a_page_that_was_refused_leaves_the_payment_owed(
    psp: SandboxPSP, shop: Client, payment: Payment, decision: str, state: str
) -> None:
    attempt = submit(shop, payment, "sandbox-page")
    assert shop.get(decide(psp, attempt, decision)).status_code < 400
    assert books(psp, payment) == (OWED, state, 0)


@pytest.mark.parametrize("what", ["amount", "currency", "account", "mode"])
def test_wrong_money_is_kept_as_a_mismatch_and_charges_nothing(
    psp: SandboxPSP, shop: Client, payment: Payment, what: str
) -> None:
    psp.plan.add(f"wrong_{what}")
    submit(shop, payment, "sandbox", card="card_approve")
    assert books(psp, payment)[:2] == (OWED, State.MISMATCH)


def test_a_forged_webhook_changes_nothing(psp: SandboxPSP, shop: Client, payment: Payment) -> None:
    attempt = submit(shop, payment, "sandbox-page")
    before = books(psp, payment)
    url = reverse("payments_ui:webhook", kwargs={"identifier": "sandbox-page"})
    body = psp.outbox.deliveries(attempt.psp_reference or "")[0]["body"]
    reply = shop.post(url, body, content_type="application/json")
    assert reply.status_code == 400
    assert books(psp, payment) == before
