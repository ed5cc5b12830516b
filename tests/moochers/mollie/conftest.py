"""An attempt, and the fake PSP's Mollie that it is charged at, by Mollie's own library."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from payments_ui.core.models import Attempt, LineItem, Payment, Refund
from payments_ui.moochers.base import AttemptUrls
from payments_ui.moochers.mollie import MollieMoocher
from payments_ui.testing.contracts.probes import requested_refund
from payments_ui.testing.psp import Charge, SandboxPSP

URLS = AttemptUrls("http://localhost:9/back?attempt=a", "http://localhost:9/webhook/")


@pytest.fixture
def psp() -> Iterator[SandboxPSP]:
    with SandboxPSP(api_key="key", webhook_secret="secret", account="pfl_shop") as psp:
        yield psp


@pytest.fixture
def moocher(psp: SandboxPSP) -> MollieMoocher:
    return new_moocher(psp)


@pytest.fixture
def payment(user: User) -> Payment:
    LineItem.objects.record(user=user, title="Rendering", amount=Decimal(12))
    payment = Payment.objects.create_pending(user=user)
    assert payment
    return payment


@pytest.fixture
def attempt(payment: Payment) -> Attempt:
    return payment.start_attempt(moocher="mollie", account="pfl_shop")


@pytest.fixture
def paid(psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt) -> Attempt:
    """An attempt that the customer has paid for, on Mollie's page."""
    opened = pay(moocher, attempt)
    psp.decide(opened.action_url, "approve")
    return opened.record(moocher.ask(opened))


@pytest.fixture
def refund(paid: Attempt) -> Refund:
    """A refund that Mollie does not know yet."""
    return requested_refund(paid, Decimal(5))


def new_moocher(psp: SandboxPSP, **options: Any) -> MollieMoocher:
    options = {"api_key": psp.mollie.api_key, "endpoint": psp.url, "account": "pfl_shop"} | options
    return MollieMoocher(**options)


def pay(moocher: MollieMoocher, attempt: Attempt, **data: Any) -> Attempt:
    return attempt.record(moocher.charge(attempt, data=data, urls=URLS))


def the_charge(psp: SandboxPSP) -> Charge:
    """The one charge in the ledger."""
    (charge,) = psp.ledger.charges.all()
    return charge


def saved_method(customer_id: str, **facts: Any) -> Any:
    """What the moocher needs to know of a `PaymentMethod`."""
    default = {
        "pk": uuid4(),
        "customer_id": customer_id,
        "method_id": "",
        "psp_reference": None,
        "attempt": None,
        "idempotency_key": str(uuid4()),
        "created_at": timezone.now(),
    }
    return SimpleNamespace(**default | facts)


def age(row: Attempt | Refund, **ago: float) -> None:
    """Let a request be older than it is."""
    at = timezone.now() - dt.timedelta(**ago)
    row.__dict__["started_at" if isinstance(row, Attempt) else "requested_at"] = at
