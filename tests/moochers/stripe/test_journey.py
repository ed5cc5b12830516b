"""The whole way, both servers real: form, token, webhook, return, reconciler, in any order."""

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

from payments_ui.core.models import (
    Attempt,
    Dispute,
    Event,
    LineItem,
    Payment,
    PaymentMethod,
    Refund,
)
from payments_ui.core.paymentmethods.consent import wording
from payments_ui.core.processing import Result
from payments_ui.flows.charge_unattended import Charging
from payments_ui.flows.reconcile import reconcile
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.moochers import listed
from payments_ui.testing.psp import SandboxPSP
from tests.core.support import ADMINS

from .conftest import asking, entered, moocher_at

pytestmark = pytest.mark.django_db(transaction=True)
State = Attempt.State
CHARGED = (Payment.State.CHARGED, State.SETTLED, 1200)
SAVE = {"save_method": "on", "consent_version": ""}


@pytest.fixture
def psp(live_server: Any) -> Any:
    with SandboxPSP(api_key="the-key", webhook_secret="the-secret") as psp:
        psp.stripe.listen(f"{live_server.url}{webhook_path()}")
        yield psp


@pytest.fixture
def shop(
    live_server: Any, settings: Any, psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> Client:
    """The customer's browser, signed in at a site that listens."""
    settings.PAYMENTS_UI = {"MOOCHERS": listed(moocher)}
    settings.ADMINS = ADMINS
    client = Client(HTTP_HOST=live_server.url.removeprefix("http://"))
    client.force_login(user)
    return client


def webhook_path() -> str:
    return reverse("payments_ui:webhook", kwargs={"identifier": "stripe"})


def submit(
    shop: Client, payment: Payment, data: dict[str, Any], headers: dict[str, str] | None = None
) -> Attempt:
    """Post the form; return the attempt that it started."""
    kwargs = {"pk": payment.pk, "identifier": "stripe"}
    form = FormToken.fields(payment) | data
    reply = shop.post(reverse("payments_ui:moocher", kwargs=kwargs), form, headers=headers)
    # 402 is a decline, said on the page itself.
    assert reply.status_code < 400 or reply.status_code == 402
    newest: Attempt = Attempt.objects.filter(payment=payment).order_by("-started_at")[0]
    return newest


def another_payment(user: User) -> Payment:
    LineItem.objects.record(user=user, title="More", amount=Decimal(12))
    payment = Payment.objects.create_pending(user=user)
    assert payment
    return payment


def books(psp: SandboxPSP, payment: Payment) -> tuple[Any, str, int]:
    """What the payment says, what its newest attempt says, and what Stripe keeps."""
    payment = Payment.objects.get(pk=payment.pk)
    total = psp.ledger.totals().get("CHF")
    newest = payment.attempts.order_by("-started_at")[0]
    return payment.state, newest.state, total.kept if total else 0


def charge_id(psp: SandboxPSP) -> str:
    return psp.ledger.charges.newest()[0].id


def let_time_pass(attempt: Attempt) -> None:
    """Each attempt is asked about at most every few seconds: let them be over."""
    rows: QuerySet[Attempt] = QuerySet(Attempt).filter(pk=attempt.pk)
    long_ago = timezone.now() - dt.timedelta(minutes=10)
    rows.update(asked_at=long_ago, started_at=long_ago)


def test_a_card_that_was_entered_pays_and_the_webhook_changes_nothing(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    attempt = submit(shop, payment, entered(psp))
    assert books(psp, payment) == CHARGED
    assert attempt.evidence["last4"] == "4242"
    assert psp.deliver_webhooks()
    assert books(psp, payment) == CHARGED
    assert Event.objects.filter(attempt=attempt).exists()


def test_a_declined_card_leaves_the_payment_owed_and_another_one_pays(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    card = "pm_card_visa_chargeDeclinedInsufficientFunds"
    declined = submit(shop, payment, entered(psp, card))
    assert (declined.state, declined.failure_code) == (State.FAILED, "insufficient_funds")
    assert declined.evidence["decline_code"] == "insufficient_funds"
    paid = submit(shop, payment, entered(psp))
    assert paid.psp_reference != declined.psp_reference
    assert psp.deliver_webhooks()
    assert books(psp, payment) == CHARGED


def test_the_same_form_twice_pays_once(psp: SandboxPSP, shop: Client, payment: Payment) -> None:
    form = FormToken.fields(payment) | entered(psp)
    for _tab in range(2):
        submit(shop, payment, form)
    assert books(psp, payment) == CHARGED
    assert payment.attempts.count() == 1


@pytest.mark.parametrize(("decision", "state"), [("approve", "charged"), ("refuse", "pending")])
def test_a_step_in_place_is_finished_by_the_webhook_alone(
    psp: SandboxPSP, shop: Client, payment: Payment, decision: str, state: str
) -> None:
    attempt = submit(shop, payment, entered(psp, "pm_card_authenticationRequired"))
    assert (attempt.state, attempt.action_url) == (State.REQUIRES_ACTION, "")
    kwargs = {"pk": payment.pk, "identifier": "stripe"}
    step = shop.post(reverse("payments_ui:moocher_step", kwargs=kwargs))
    assert step.json()["client_secret"].startswith(str(attempt.psp_reference))
    psp.bank.decide(psp.ledger.charges.newest()[0].page_token, decision)
    assert psp.deliver_webhooks()
    assert Payment.objects.get(pk=payment.pk).state == state


@pytest.mark.parametrize("first", ["webhook", "return"])
def test_without_javascript_stripes_page_pays_whoever_comes_first(
    psp: SandboxPSP, shop: Client, payment: Payment, first: str
) -> None:
    attempt = submit(shop, payment, {})
    assert (attempt.psp_reference or "").startswith("cs_")
    return_url = psp.decide(attempt.action_url, "approve")
    if first == "webhook":
        assert psp.deliver_webhooks()
        assert books(psp, payment) == CHARGED
    assert shop.get(return_url).status_code < 400
    assert books(psp, payment) == CHARGED
    assert psp.deliver_webhooks()
    assert books(psp, payment) == CHARGED
    assert payment.attempts.count() == 1
    settled = Attempt.objects.get(pk=attempt.pk)
    assert (settled.psp_reference or "").startswith("pi_")
    # It can be given back by its new name.
    assert Payment.objects.get(pk=payment.pk).refund(reason="Returned", by="clerk")
    assert books(psp, payment)[2] == 0


def test_a_page_that_nobody_paid_on_is_closed_when_the_customer_chooses_otherwise(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    attempt = submit(shop, payment, {})
    url = reverse("payments_ui:attempt_cancellation", kwargs={"pk": payment.pk})
    assert shop.post(url).status_code < 400
    assert Attempt.objects.get(pk=attempt.pk).state == State.CANCELLED
    submit(shop, payment, entered(psp))
    assert books(psp, payment) == CHARGED


def test_a_card_is_saved_along_and_pays_by_one_press_the_next_time(
    psp: SandboxPSP, shop: Client, payment: Payment, user: User
) -> None:
    consent = {"save_method": "on", "consent_version": wording().version}
    submit(shop, payment, entered(psp) | consent)
    method: PaymentMethod = PaymentMethod.objects.get()
    assert (method.state, method.label) == (PaymentMethod.State.ACTIVE, "Visa ending 4242")
    assert method.consent_text == wording().save
    assert not method.allows_unattended
    second = another_payment(user)
    attempt = submit(shop, second, {"payment_method": str(method.pk)})
    assert (attempt.state, attempt.payment_method) == (State.SETTLED, method)
    assert books(psp, second)[2] == 2400


def test_a_card_is_charged_at_night_only_where_its_user_agreed(
    psp: SandboxPSP, shop: Client, payment: Payment, user: User, moocher: StripeMoocher
) -> None:
    consent = {"save_method": "on", "consent_version": wording().version}
    submit(shop, payment, entered(psp) | consent | {"allow_unattended": "on"})
    method: PaymentMethod = PaymentMethod.objects.get()
    assert method.allows_unattended
    charging = Charging(
        moocher,
        base_url="http://localhost:9",
        data_for=lambda _payment: {"payment_method": method},
        per_second=None,
    )
    assert charging(another_payment(user)) is Result.SUCCESS


def test_a_removed_card_is_gone_at_stripe(
    psp: SandboxPSP, shop: Client, payment: Payment, user: User
) -> None:
    consent = {"save_method": "on", "consent_version": wording().version}
    submit(shop, payment, entered(psp) | consent)
    method: PaymentMethod = PaymentMethod.objects.get()
    customer = method.customer_id
    method.remove(by="clerk")
    reconcile(everything=True)
    assert PaymentMethod.objects.get().state == PaymentMethod.State.REMOVED
    assert not asking(psp).v1.payment_methods.list({"customer": customer}).data


def test_an_answer_that_got_lost_is_found_by_the_webhook_or_the_reconciler(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    data = entered(psp)
    psp.plan.add("lost_reply", on="create")
    attempt = submit(shop, payment, data)
    # On a busy machine its webhook may be faster than the page that says so.
    assert attempt.state in (State.UNKNOWN, State.SETTLED)
    let_time_pass(attempt)
    reconcile()
    assert books(psp, payment) == CHARGED
    assert psp.deliver_webhooks()
    assert books(psp, payment) == CHARGED


def test_refunds_of_the_dashboard_end_in_the_books_also_without_a_webhook(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    attempt = submit(shop, payment, entered(psp))
    refunds = asking(psp).v1.refunds
    refunds.create({"payment_intent": attempt.psp_reference or "", "amount": 300})
    assert psp.deliver_webhooks()
    for endpoint in asking(psp).v1.webhook_endpoints.list().data:
        asking(psp).v1.webhook_endpoints.delete(endpoint.id)
    refunds.create({"payment_intent": attempt.psp_reference or "", "amount": 200})
    assert Refund.objects.count() == 1
    reconcile(everything=True)
    amounts = Refund.objects.filter(state=Refund.State.SUCCEEDED).values_list("amount", flat=True)
    assert sorted(amounts) == [Decimal(2), Decimal(3)]
    assert Attempt.objects.get().refunded_amount == Decimal(5)


def test_a_refund_that_comes_back_is_booked_back_and_told(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    submit(shop, payment, entered(psp, "pm_card_refundFail"))
    Payment.objects.get(pk=payment.pk).refund(Decimal(5), reason="Returned", by="clerk")
    assert Attempt.objects.get().refunded_amount == Decimal(5)
    assert psp.deliver_webhooks()
    mail.outbox.clear()
    psp.advance(60)
    assert psp.deliver_webhooks()
    assert Refund.objects.get().state == Refund.State.CAME_BACK
    assert Attempt.objects.get().refunded_amount == 0
    assert mail.outbox


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_and_its_end_are_in_the_books(
    psp: SandboxPSP, shop: Client, payment: Payment, won: bool
) -> None:
    submit(shop, payment, entered(psp))
    dispute = psp.bank.open_dispute(charge_id(psp), reason="fraudulent")
    assert psp.deliver_webhooks()
    stored = Dispute.objects.get()
    assert (stored.state, stored.reason) == (Dispute.State.NEEDS_RESPONSE, "fraudulent")
    assert mail.outbox
    (psp.bank.win_dispute if won else psp.bank.lose_dispute)(dispute.id)
    assert psp.deliver_webhooks()
    assert Dispute.objects.get().state == (Dispute.State.WON if won else Dispute.State.LOST)
    assert Attempt.objects.get().disputed_amount == (0 if won else Decimal(12))


def test_an_early_warning_of_fraud_is_told_to_the_admins(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    submit(shop, payment, entered(psp, "pm_card_createIssuerFraudRecord"))
    assert psp.deliver_webhooks()
    assert [one for one in mail.outbox if "raud" in f"{one.subject} {one.body}"]


def test_what_is_not_signed_is_refused_and_nothing_of_it_stored(
    psp: SandboxPSP, shop: Client, payment: Payment
) -> None:
    submit(shop, payment, entered(psp, "pm_card_authenticationRequired"))
    stored = Event.objects.count()
    for signature in ("", "t=1,v1=00", "t=ü,v1=00"):
        reply = shop.post(
            webhook_path(),
            b'{"id": "evt_1234", "object": "event"}',
            content_type="application/json",
            headers={"Stripe-Signature": signature},
        )
        assert reply.status_code == 400
    assert Event.objects.count() == stored


def test_without_a_secret_stripe_is_told_to_come_again(
    psp: SandboxPSP, shop: Client, payment: Payment, settings: Any
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": listed(moocher_at(psp, webhook_secret=""))}
    reply = shop.post(webhook_path(), b"{}", content_type="application/json")
    assert reply.status_code == 503
