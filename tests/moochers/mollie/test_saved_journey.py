"""The whole way of a saved card at Mollie: agreed to, saved by webhook, charged, given up."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from payments_ui.core.models import Attempt, LineItem, Payment, PaymentMethod
from payments_ui.core.paymentmethods.consent import wording
from payments_ui.flows import payment_methods
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.mollie import MollieMoocher
from payments_ui.testing.moochers import listed
from payments_ui.testing.psp import SandboxPSP

from .conftest import new_moocher

pytestmark = pytest.mark.django_db(transaction=True)
State = PaymentMethod.State
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def moocher(psp: SandboxPSP) -> MollieMoocher:
    return new_moocher(psp, can_save=True)


@pytest.fixture
def shop(live_server: Any, settings: Any, moocher: MollieMoocher, user: User) -> Client:
    settings.PAYMENTS_UI = {"MOOCHERS": listed(moocher)}
    client = Client(HTTP_HOST=live_server.url.removeprefix("http://"))
    client.force_login(user)
    return client


def owe_and_pay(shop: Client, user: User, **data: str) -> Attempt:
    LineItem.objects.record(user=user, title="Rendering", amount=Decimal(12))
    payment = Payment.objects.create_pending(user=user)
    assert payment
    url = reverse("payments_ui:moocher", kwargs={"pk": payment.pk, "identifier": "mollie"})
    assert shop.post(url, FormToken.fields(payment) | data).status_code < 400
    return Attempt.objects.get(payment=payment)


def save_along(psp: SandboxPSP, shop: Client, user: User, **more: str) -> PaymentMethod:
    """Pay, and tick the box."""
    ticked = {payment_methods.SAVE: "on", payment_methods.VERSION: wording().version} | more
    attempt = owe_and_pay(shop, user, **ticked)
    psp.decide(attempt.action_url, "approve")
    assert psp.deliver_webhooks()
    method: PaymentMethod = PaymentMethod.objects.get()
    return method


def test_a_card_is_saved_along_with_a_payment_and_charged_with_one_press(
    psp: SandboxPSP, shop: Client, user: User
) -> None:
    method = save_along(psp, shop, user)
    assert (method.state, method.label) == (State.ACTIVE, "Visa ending 4242")
    assert not method.allows_unattended
    attempt = owe_and_pay(shop, user, **{payment_methods.METHOD: str(method.pk)})
    assert (attempt.state, attempt.payment_method) == (Attempt.State.SETTLED, method)
    assert psp.ledger.totals()["CHF"].kept == 2400


def test_a_payment_without_the_box_saves_nothing(psp: SandboxPSP, shop: Client, user: User) -> None:
    attempt = owe_and_pay(shop, user)
    psp.decide(attempt.action_url, "approve")
    assert psp.deliver_webhooks()
    assert not PaymentMethod.objects.exists()
    assert not psp.ledger.documents.find("mollie_customer")


def test_a_card_that_was_given_up_is_charged_no_more(
    psp: SandboxPSP, shop: Client, user: User
) -> None:
    method = save_along(psp, shop, user)
    payment_methods.forget(method.remove(reason="the user asked for it"))
    assert PaymentMethod.objects.get().state == State.REMOVED
    assert not psp.ledger.documents.find("mollie_mandate")


def test_a_mandate_that_was_revoked_at_mollie_is_said_to_be_gone(
    psp: SandboxPSP, shop: Client, user: User, moocher: MollieMoocher
) -> None:
    method = save_along(psp, shop, user)
    moocher.forget(method)
    LineItem.objects.record(user=user, title="Rendering", amount=Decimal(12))
    payment = Payment.objects.create_pending(user=user)
    assert payment
    url = reverse("payments_ui:moocher", kwargs={"pk": payment.pk, "identifier": "mollie"})
    data = FormToken.fields(payment) | {payment_methods.METHOD: str(method.pk)}
    assert shop.post(url, data).status_code >= 400
    assert not payment.attempts.exists()
    assert psp.ledger.totals()["CHF"].taken == 1200


def test_who_leaves_leaves_nothing_to_charge_at_mollie(
    psp: SandboxPSP, shop: Client, user: User
) -> None:
    save_along(psp, shop, user)
    PaymentMethod.objects.remove_all(user, reason="they leave")
    for _run in range(2):
        call_command("reconcile_payments", verbosity=0)
    assert not psp.ledger.documents.find("mollie_customer")
    assert not psp.ledger.documents.find("mollie_mandate", status="valid")


@pytest.fixture
def set_up(shop: Client, user: User) -> PaymentMethod:
    """A payment of nothing, on whose page the user is."""
    url = reverse("payments_ui:method_setup", kwargs={"identifier": "mollie"})
    assert shop.post(url, {payment_methods.VERSION: wording().version}).status_code < 400
    method: PaymentMethod = PaymentMethod.objects.get()
    return method


def test_a_card_is_saved_without_a_payment(psp: SandboxPSP, set_up: PaymentMethod) -> None:
    psp.mollie.decide(set_up.action_url, "approve")
    assert psp.deliver_webhooks()
    method = PaymentMethod.objects.get()
    assert (method.state, method.last_four) == (State.ACTIVE, "4242")
    assert not psp.ledger.totals()


@pytest.mark.parametrize("is_saved", [False, True])
def test_who_makes_up_webhooks_about_it_has_mollie_asked_once_in_a_while(
    psp: SandboxPSP,
    shop: Client,
    set_up: PaymentMethod,
    monkeypatch: pytest.MonkeyPatch,
    is_saved: bool,
) -> None:
    if is_saved:
        psp.mollie.decide(set_up.action_url, "approve")
        assert psp.deliver_webhooks()
        assert PaymentMethod.objects.get().is_active
    # However slow this machine is.
    monkeypatch.setattr(payment_methods, "AT_MOST_EVERY", dt.timedelta(hours=1))
    path = reverse("payments_ui:webhook", kwargs={"identifier": "mollie"})
    asked = psp.calls["fetch"]
    for number in range(20):
        shop.post(f"{path}?setup={set_up.pk}", f"id=tr_{number}", content_type=FORM)
    assert psp.calls["fetch"] <= asked + 1
