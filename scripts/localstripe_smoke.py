"""Whether a server that we did not write understands what StripeMoocher sends.

localstripe knows few of today's parameters, so the others are left out here; it has no confirmation
tokens, does not repeat answers, and declines and asks otherwise than Stripe. So this shows that the
requests arrive as they are meant, and nothing about money.
"""

# ruff: noqa: E402, S101 (Django is set up before its models are imported, and this is a test)
from __future__ import annotations

import os
import sys
import uuid
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

import stripe
from django.contrib.auth.models import User

from payments_ui.core.models import Attempt, Payment, PaymentMethod
from payments_ui.core.paymentmethods.customer import Customer
from payments_ui.moochers.base import AttemptUrls
from payments_ui.moochers.stripe import StripeMoocher, client

KEY = "sk_test_localstripe"
#: What it takes of what the moocher sends.
KNOWN = {"amount", "currency", "customer", "payment_intent", "payment_method", "expand", "metadata"}
URLS = AttemptUrls("http://127.0.0.1:9/back", "http://127.0.0.1:9/hook")


class KnownOnly(client._HTTP):
    """Leaves out what it would refuse."""

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **more: Any
    ) -> Any:
        """Send the request with the parameters that it knows."""
        if isinstance(post_data, str):
            pairs = [(name, value) for name, value in parse_qsl(post_data) if _root(name) in KNOWN]
            post_data = urlencode(pairs)
        return super().request(method, url, headers, post_data, **more)


def _root(name: str) -> str:
    return name.partition("[")[0]


def main(url: str) -> None:
    """Save, look up, prepare, cancel, forget; AssertionError where that does not work."""
    client._HTTP = KnownOnly  # type: ignore[misc]
    moocher = StripeMoocher(
        secret_key=KEY,
        publishable_key="pk_test_localstripe",
        webhook_secret="whsec_localstripe",  # noqa: S106 (of nobody)
        api_base=url,
    )
    user = User(pk=1, username="ada")
    customer_id = moocher.create_customer(user, key=str(uuid.uuid4()))
    asking = stripe.StripeClient(KEY, base_addresses={"api": url}, max_network_retries=0)
    card: Any = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    made = asking.v1.payment_methods.create({"type": "card", "card": card})
    asking.v1.payment_methods.attach(made.id, {"customer": customer_id})
    method = PaymentMethod(
        user=user, psp_customer=Customer(user=user, customer_id=customer_id), method_id=made.id
    )
    found = moocher.describe(method)
    assert found is not None
    assert (found.brand, found.last_four, found.customer_id) == ("visa", "4242", customer_id)
    payment = Payment(user=user, amount=Decimal("12.00"), currency="CHF")
    attempt = Attempt(payment=payment, amount=Decimal("12.00"), currency="CHF", moocher="stripe")
    attempt.idempotency_key = str(uuid.uuid4())
    data = {"payment_method": method}
    attempt.psp_reference = str(moocher.prepare(attempt, data=data, urls=URLS))
    prepared = asking.v1.payment_intents.retrieve(attempt.psp_reference)
    assert (prepared.amount, prepared.currency, prepared.customer) == (1200, "chf", customer_id)
    sys.stdout.write(f"cancelled: {moocher.cancel(attempt)}\n")
    moocher.forget(method)
    assert moocher.describe(method) is None
    moocher.delete_customer(customer_id)
    sys.stdout.write("localstripe understands what StripeMoocher sends\n")


if __name__ == "__main__":
    main(sys.argv[1])
