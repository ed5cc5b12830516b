"""A site that takes cards at the fake PSP's Stripe, whose customers' banks take money back."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from io import StringIO
from typing import Any

import stripe
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse

from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import PaymentStateError
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.moochers import forget, listed
from payments_ui.testing.psp import SandboxPSP
from payments_ui.testing.psp.stripe import face

from . import site
from .support import owe

AMOUNT = Decimal("30.00")


@contextmanager
def stripe_site(psp_url: str) -> Iterator[None]:
    """Take cards at the fake Stripe; within ``site.at``, which says when."""
    moocher = StripeMoocher(
        secret_key=face.SECRET_KEY,
        publishable_key=face.PUBLISHABLE_KEY,
        webhook_secret=face.WEBHOOK_SECRET,
        api_base=f"{psp_url}/stripe",
        timeout=(5, 5),
    )
    paths = listed(moocher)
    with override_settings(PAYMENTS_UI={"MOOCHERS": paths, "ATTEMPTS_PER_HOUR": 10**6}):
        yield
    forget(paths)


def charged(psp: SandboxPSP, user: User) -> Attempt:
    """Let the user pay thirty francs by card."""
    owe(user, "19.99", "10.01")
    browser = site.Browser(user.pk)
    payment = browser.proceed()
    assert payment is not None
    token = psp.stripe.confirmation_token()
    fields = {**FormToken.fields(payment), "confirmation_token": token}
    browser.post("moocher", fields, pk=payment.pk, identifier="stripe")
    attempt: Attempt = payment.attempts.get()
    assert attempt.state == Attempt.State.SETTLED, attempt
    return attempt


def charge_of(psp: SandboxPSP, attempt: Attempt) -> str:
    """What the bank calls the charge of an attempt."""
    (charge,) = (
        charge
        for charge in psp.ledger.charges.all()
        if attempt.psp_reference in (charge.id, charge.known_as)
    )
    return charge.id


def reports(psp: SandboxPSP, attempt: Attempt, *kinds: str) -> list[str]:
    """What Stripe has sent of this charge's events of these kinds so far."""
    deliveries = psp.outbox.deliveries(charge_of(psp, attempt))
    return [
        delivery["body"]
        for delivery in deliveries
        if any(f'"{kind}' in delivery["body"] for kind in kinds)
    ]


def post(body: str) -> int:
    """Deliver an event as Stripe does; the status of the answer."""
    header = stripe.WebhookSignature.generate_signature_header(body, face.WEBHOOK_SECRET)
    path = reverse("payments_ui:webhook", kwargs={"identifier": "stripe"})
    headers = {"Stripe-Signature": header}
    client = Client(**site.NOWHERE)
    return client.post(path, body, content_type="application/json", headers=headers).status_code


def shuffled(bodies: Sequence[str]) -> list[str]:
    """All of them twice, in any order."""
    return random.sample([*bodies, *bodies], 2 * len(bodies))


def deliver(psp_url: str, *bodies: str) -> None:
    """A job: Stripe's events come."""
    with stripe_site(psp_url):
        for body in bodies:
            post(body)


def reopen(psp_url: str, payment_pk: str) -> None:
    """A job: a clerk lets the customer owe again what was taken back."""
    with stripe_site(psp_url):
        payment: Any = Payment.all_objects.get(pk=payment_pk)
        with suppress(PaymentStateError):  # where it was done before
            payment.reopen_charges(reason="they still use it")


def reconcile(psp_url: str) -> None:
    """A job: the cron job of reconciliation."""
    cache.clear()
    with stripe_site(psp_url):
        call_command("reconcile_payments", "--all", stdout=StringIO())
