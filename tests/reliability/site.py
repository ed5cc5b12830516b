"""A site that takes payments at the fake PSP; the same in the test and in its processes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from payments_ui.core.models import Attempt, Payment
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.testing.moochers import API_KEY, WEBHOOK_SECRET, InProcessMoocher, listed
from payments_ui.testing.psp import SandboxPSP

KEY, SECRET = API_KEY, WEBHOOK_SECRET
# No server listens there: a scenario delivers webhooks itself.
NOWHERE: dict[str, Any] = {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "9"}
BASE_URL = "http://127.0.0.1:9"
DAY = 24 * 3600


class Sandbox(InProcessMoocher):
    """Waits as on a site before it believes that a request never arrived."""

    settling_time = SandboxMoocher.settling_time


#: The PSP takes no less by card.
MINIMUM = Decimal("0.50")
card = Sandbox(kind="card", timeout=5, minimum={"CHF": MINIMUM})
page = Sandbox(kind="redirect", timeout=5)
MOOCHERS = listed(card, page)


@contextmanager
def at(psp_url: str, ahead: float | Callable[[], float] = 0) -> Iterator[None]:
    """Be this site within the block, so many seconds later than now."""
    for moocher in (card, page):
        moocher.pay_at(psp_url)
    ours = {"MOOCHERS": MOOCHERS, "ALLOW_SANDBOX": True, "ATTEMPTS_PER_HOUR": 10**6}
    sessions = "django.contrib.sessions.backends.signed_cookies"
    now = timezone.now

    def then() -> dt.datetime:
        return now() + dt.timedelta(seconds=ahead() if callable(ahead) else ahead)

    with (
        override_settings(PAYMENTS_UI=ours, SESSION_ENGINE=sessions),
        mock.patch.object(timezone, "now", then),
    ):
        yield


def new_psp() -> SandboxPSP:
    """The PSP, not yet started."""
    return SandboxPSP(api_key=KEY, webhook_secret=SECRET)


class Browser:
    """A user who is signed in and uses the pages without JavaScript."""

    def __init__(self, user_pk: Any) -> None:
        self.user = User.objects.get(pk=user_pk)
        self._client = Client(**NOWHERE)
        self._client.force_login(self.user)

    def proceed(self) -> Payment | None:
        """Continue to payment; the pending payment, if anything is owed."""
        self.post("payments")
        return self.payment()

    def payment(self) -> Payment | None:
        found: Payment | None = Payment.objects.pending().filter(user=self.user).first()
        return found

    def pay(self, payment: Payment, moocher: str = "sandbox", card: str = "card_approve") -> Any:
        """Fill in the form and post it."""
        data = {**FormToken.fields(payment), "card": card}
        return self.post("moocher", data, pk=payment.pk, identifier=moocher)

    def cancel(self, payment: Payment) -> Any:
        return self.post("cancellation", pk=payment.pk)

    def come_back(self, url: str) -> Any:
        """Return from the PSP."""
        return self._client.get(url.removeprefix(BASE_URL))

    def look(self, payment: Payment) -> Any:
        """Open the page of the payment."""
        return self._client.get(reverse("payments_ui:payment", kwargs={"pk": payment.pk}))

    def post(self, name: str, data: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
        return self._client.post(reverse(f"payments_ui:{name}", kwargs=kwargs or None), data or {})


def post_webhook(body: bytes, signature: str, moocher: str = "sandbox") -> int:
    """Deliver what the PSP reports; the status of the answer."""
    path = reverse("payments_ui:webhook", kwargs={"identifier": moocher})
    headers = {"Sandbox-Signature": signature}
    client = Client(**NOWHERE)
    answer = client.post(path, body, content_type="application/json", headers=headers)
    return int(answer.status_code)


def approve(action_url: str, decision: str = "approve") -> str:
    """Decide on the PSP's page as the customer does; where it leads back to."""
    parts = urlsplit(action_url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", parts.path, f"decision={decision}", form)
    location = connection.getresponse().headers["Location"] or ""
    connection.close()
    return location


def open_attempts() -> list[Attempt]:
    return list(Attempt.objects.open())
