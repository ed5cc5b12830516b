"""An attempt, and the sandbox it is charged at, over real HTTP."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from decimal import Decimal
from http.client import HTTPException
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.base import AttemptUrls
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.testing.psp import SandboxPSP, Total, sign

KEY = "the-key"
SECRET = "the-secret"
URLS = AttemptUrls("http://localhost:9/back?attempt=a", "http://localhost:9/webhook")
# No definite answer came: whoever called has to ask.
NO_ANSWER = (MoocherError, OSError, HTTPException)


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.PAYMENTS_UI = {"ALLOW_SANDBOX": True}


@pytest.fixture
def psp() -> Iterator[SandboxPSP]:
    with SandboxPSP(api_key=KEY, webhook_secret=SECRET) as psp:
        yield psp


@pytest.fixture
def moocher(psp: SandboxPSP) -> SandboxMoocher:
    return SandboxMoocher(psp_url=psp.url, api_key=KEY, webhook_secret=SECRET, timeout=3)


@pytest.fixture
def page_moocher(psp: SandboxPSP) -> SandboxMoocher:
    return SandboxMoocher(psp_url=psp.url, api_key=KEY, webhook_secret=SECRET, kind="redirect")


@pytest.fixture
def payment(user: User) -> Payment:
    LineItem.objects.record(user=user, title="Rendering", amount=Decimal(12))
    payment = Payment.objects.create_pending(user=user)
    assert payment
    return payment


@pytest.fixture
def attempt(payment: Payment) -> Attempt:
    return payment.start_attempt(moocher="sandbox", account="acct_sandbox")


def taken(psp: SandboxPSP) -> int:
    return psp.ledger.totals().get("CHF", Total()).taken


def pay(moocher: SandboxMoocher, attempt: Attempt, card: str = "card_approve") -> Any:
    return moocher.charge(attempt, data={"card": card}, urls=URLS)


def age(attempt: Attempt, **ago: float) -> None:
    attempt.started_at = timezone.now() - dt.timedelta(**ago)


@pytest.fixture
def event(psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt) -> bytes:
    """The event the sandbox sends for a charge."""
    pay(moocher, attempt)
    body: str = psp.outbox.deliveries(psp.ledger.charges.newest()[0].id)[0]["body"]
    return body.encode()


def post(body: bytes, signature: str | None, **extra: Any) -> HttpRequest:
    if signature is not None:
        extra["HTTP_SANDBOX_SIGNATURE"] = signature
    return RequestFactory().post("/", body, content_type="application/json", **extra)


def signed(body: bytes, *secrets: str, ago: int = 0) -> HttpRequest:
    at = int(time.time()) - ago
    digests = [sign(secret, body, at).split(",")[1] for secret in secrets or (SECRET,)]
    return post(body, ",".join([f"t={at}", *digests]))
