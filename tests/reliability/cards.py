"""What people and programs do with cards at Stripe, as functions that a process can run."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any, TypeVar

import stripe
from django.contrib.auth.models import User
from django.urls import reverse

from payments_ui.core import processing
from payments_ui.core.models import Attempt, Payment, PaymentMethod
from payments_ui.core.paymentmethods.consent import wording
from payments_ui.exceptions import RefundError
from payments_ui.flows import payment_methods
from payments_ui.flows.charge_unattended import Charging, saved_methods
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.registry import moochers
from payments_ui.testing.psp.stripe import face

from . import disputes, site

T = TypeVar("T")
VISA, ASKS_FIRST = "pm_card_visa", "pm_card_authenticationRequiredOnSetup"
ASKS_ALWAYS = "pm_card_authenticationRequired"


def asking(psp_url: str) -> stripe.StripeClient:
    """Stripe, as another program of the merchant asks it."""
    return stripe.StripeClient(
        face.SECRET_KEY, base_addresses={"api": f"{psp_url}/stripe"}, max_network_retries=0
    )


def insist(question: Callable[[], T]) -> T:
    """Ask as a person in front of a browser: again, until there is an answer."""
    for _time in range(100):
        with suppress(stripe.StripeError):
            return question()
    raise AssertionError("Stripe does not answer at all")


def token(psp_url: str, card: str) -> str:
    """What the browser trades a card for."""
    helpers = asking(psp_url).v1.test_helpers.confirmation_tokens
    return insist(lambda: helpers.create({"payment_method": card})).id


def agreed(*, unattended: bool = True) -> dict[str, str]:
    """The boxes that are ticked to have a card saved."""
    ticked = {payment_methods.SAVE: "on", payment_methods.VERSION: wording().version}
    return ticked | ({payment_methods.UNATTENDED: "on"} if unattended else {})


def take_step(psp_url: str, reference: str | None) -> None:
    """Confirm at the bank what Stripe waits for, if it waits."""
    found = str(reference)
    kind = "setup_intents" if found.startswith("seti_") else "payment_intents"
    resource = getattr(asking(psp_url).v1, kind)
    intent: Any = insist(lambda: resource.retrieve(found))
    if intent.status == "requires_action":
        site.approve(intent.next_action.use_stripe_sdk["stripe_js"])


def pay(psp_url: str, user_pk: int, card: str = VISA, *, save: bool = False) -> None:
    """Continue to payment, fill in a card, take the bank's step if there is one, look again."""
    with disputes.stripe_site(psp_url):
        browser = site.Browser(user_pk)
        payment = browser.proceed()
        if payment is None:
            return
        browser.look(payment)
        fields = {**FormToken.fields(payment), "confirmation_token": token(psp_url, card)}
        fields |= agreed() if save else {}
        browser.post("moocher", fields, pk=payment.pk, identifier="stripe")
        step = payment.attempts.filter(state=Attempt.State.REQUIRES_ACTION).first()
        if step is not None:
            take_step(psp_url, step.psp_reference)
            browser.look(payment)


def pay_and_save(psp_url: str, user_pk: int) -> None:
    """As above, by a card whose bank asks, which is saved along."""
    pay(psp_url, user_pk, ASKS_FIRST, save=True)


def pay_with_saved(psp_url: str, user_pk: int) -> None:
    """Continue to payment and press the button beside "Visa ending 4242"."""
    with disputes.stripe_site(psp_url):
        browser = site.Browser(user_pk)
        payment = browser.proceed()
        method = PaymentMethod.objects.active().filter(user=user_pk).first()
        if payment is None or method is None:
            return
        fields = {**FormToken.fields(payment), payment_methods.METHOD: str(method.pk)}
        browser.post("moocher", fields, pk=payment.pk, identifier="stripe")


def save_a_card(psp_url: str, user_pk: int, card: str = ASKS_FIRST) -> None:
    """Save a card without a payment, if there is none; its bank may ask."""
    with disputes.stripe_site(psp_url):
        browser = site.Browser(user_pk)
        methods = PaymentMethod.objects.filter(user=user_pk)
        if not methods.filter(state__in=("pending", "active")).exists():
            fields = {**agreed(), "confirmation_token": token(psp_url, card)}
            browser.post("method_setup", fields, identifier="stripe")
        for method in methods.filter(state="pending").exclude(psp_reference=None):
            take_step(psp_url, method.psp_reference)
            browser.come_back(reverse("payments_ui:method", kwargs={"pk": method.pk}))


def charge_everybody(psp_url: str) -> None:
    """The nightly run, by saved cards."""
    with disputes.stripe_site(psp_url):
        moocher = moochers()["stripe"]
        charging = Charging(
            moocher, base_url=site.BASE_URL, data_for=saved_methods(moocher), per_second=None
        )
        processing.process_pending_payments(processors=[charging])
        processing.process_unbound_items(processors=[charging])


def refund(psp_url: str, payment_pk: str) -> None:
    """A clerk gives a part back, and saw that nothing was given back so far."""
    with disputes.stripe_site(psp_url), suppress(RefundError):
        payment = Payment.objects.get(pk=payment_pk)
        payment.refund("10.00", reason="broken", refunded_before=Decimal(0))


def kept_for(psp_url: str, user: User) -> list[str]:
    """The payment methods that Stripe would charge for this user."""
    client = asking(psp_url)
    return [
        method.id
        for customer in client.v1.customers.list({"limit": 100})
        if customer.metadata and customer.metadata.to_dict() == {"user": str(user.pk)}
        for method in client.v1.customers.payment_methods.list(customer.id)
    ]


def storm(psp_url: str, users: list[int], seed: int) -> None:
    """Pay for everybody, by what they have saved or by a new card."""
    dice = random.Random(seed)  # noqa: S311 (no secret)
    for user_pk in dice.sample(users, len(users)):
        if dice.random() < 0.5:
            pay_with_saved(psp_url, user_pk)
        pay(psp_url, user_pk, dice.choice((VISA, ASKS_ALWAYS)))


def deliver_everything(psp_url: str, times: int) -> None:
    """Deliver all of Stripe's events so far, each twice, in any order, so many times."""
    client = asking(psp_url)
    with disputes.stripe_site(psp_url):
        for _time in range(times):
            page = insist(lambda: client.v1.events.list({"limit": 100}))
            bodies = [json.dumps(event.to_dict()) for event in page.data]
            for body in disputes.shuffled(bodies):
                disputes.post(body)
