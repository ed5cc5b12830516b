"""An attempt, and the fake PSP's Stripe that it is charged at, over real HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import stripe
from django.contrib.auth.models import User
from django.utils import timezone

from payments_ui.core.attempts.outcomes import Declined, Outcome
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.moochers.base import AttemptUrls
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.psp import SandboxPSP, Total

SECRET_KEY = "sk_test_0123456789"
PUBLISHABLE_KEY = "pk_test_0123456789"
SECRET = "whsec_0123456789"
URLS = AttemptUrls("http://localhost:9/back?attempt=a", "http://localhost:9/webhook")


def new_moocher(**options: Any) -> StripeMoocher:
    """A moocher with the keys of nobody."""
    given = {
        "secret_key": SECRET_KEY,
        "publishable_key": PUBLISHABLE_KEY,
        "webhook_secret": SECRET,
        "account": "acct_1234",
    }
    return StripeMoocher(**given | options)


def moocher_at(psp: SandboxPSP, **options: Any) -> StripeMoocher:
    """A moocher that pays at the fake PSP, and believes at once that nothing is on its way."""
    given = {
        "secret_key": psp.stripe.secret_key,
        "publishable_key": psp.stripe.publishable_key,
        "webhook_secret": psp.stripe.webhook_secret,
        "api_base": psp.stripe.url,
        "timeout": (1, 2),
    }
    return new_moocher(**given | options)


def asking(psp: SandboxPSP) -> stripe.StripeClient:
    """The fake PSP's Stripe, asked as its merchant's other programs would."""
    return stripe.StripeClient(
        psp.stripe.secret_key, base_addresses={"api": psp.stripe.url}, max_network_retries=0
    )


def intent_of(psp: SandboxPSP, attempt: Attempt) -> stripe.PaymentIntent:
    assert attempt.psp_reference
    return asking(psp).v1.payment_intents.retrieve(attempt.psp_reference)


@pytest.fixture
def psp() -> Iterator[SandboxPSP]:
    with SandboxPSP(api_key="the-key", webhook_secret="the-secret") as psp:
        psp.stripe.listen("http://127.0.0.1:9/")
        yield psp


@pytest.fixture
def moocher(psp: SandboxPSP) -> StripeMoocher:
    return moocher_at(psp)


@pytest.fixture
def payment(user: User) -> Payment:
    LineItem.objects.record(user=user, title="Rendering", amount=Decimal(12))
    payment = Payment.objects.create_pending(user=user)
    assert payment
    return payment


@pytest.fixture
def attempt(payment: Payment) -> Attempt:
    return payment.start_attempt(moocher="stripe", account="acct_1234")


def taken(psp: SandboxPSP) -> int:
    return psp.ledger.totals().get("CHF", Total()).taken


def entered(psp: SandboxPSP, card: str = "pm_card_visa", **more: Any) -> dict[str, Any]:
    """What the form has after a customer entered this card in Stripe's fields."""
    return {"confirmation_token": psp.stripe.confirmation_token(card), **more}


def prepare(moocher: StripeMoocher, attempt: Attempt, data: dict[str, Any]) -> Declined | None:
    """Prepare as the kit does: the reference is kept before anything is charged."""
    prepared = moocher.prepare(attempt, data=data, urls=URLS)
    if isinstance(prepared, Declined):
        return prepared
    attempt.psp_reference = prepared
    return None


def pay(moocher: StripeMoocher, attempt: Attempt, data: dict[str, Any]) -> Outcome:
    """Pay as the kit does."""
    return prepare(moocher, attempt, data) or moocher.charge(attempt, data=data, urls=URLS)


def age(attempt: Attempt, **ago: float) -> None:
    attempt.started_at = timezone.now() - dt.timedelta(**ago)


def decide(psp: SandboxPSP, decision: str) -> None:
    """Do what the customer does at the bank."""
    psp.bank.decide(psp.ledger.charges.newest()[0].page_token, decision)
