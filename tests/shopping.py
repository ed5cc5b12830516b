"""A customer who owes and pays, in a browser with or without JavaScript."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.testing.moochers import WEBHOOK_SECRET
from payments_ui.testing.psp import SIGNATURE_HEADER, sign
from tests.dom import Node, parse

IN_PLACE = {"HX-Request": "true"}


def url(name: str, payment: Payment | None = None, identifier: str = "") -> str:
    """Return a URL of the kit."""
    kwargs = {"pk": payment.pk} if payment else {}
    extra = {"identifier": identifier} if identifier else {}
    return reverse(f"payments_ui:{name}", kwargs={**kwargs, **extra} or None)


def dom(response: Any) -> Node:
    """Return what a response shows."""
    return parse(response.content)


def step(response: Any) -> str:
    """Return the step of the widget that a response shows."""
    bodies = dom(response).with_attr("data-pui-body")
    # The navigation of the kit's own pages has a badge.
    steps = [s for body in bodies if (s := body.attrs["data-pui-step"]) != "badge"]
    assert len(steps) == 1, f"{steps} in {response.content.decode()}"
    return steps[0]


@dataclass
class Shopper:
    """``js`` says whether the widgets are used in place (htmx), or as plain pages."""

    user: User
    client: Client
    js: bool = False

    def owe(self, *amounts: str, **fields: Any) -> list[LineItem]:
        return [
            LineItem.objects.record(
                user=self.user, **{"title": f"Use {n}", "amount": amount, **fields}
            )
            for n, amount in enumerate(amounts)
        ]

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, query, headers=self._headers)

    def post(self, path: str, data: dict[str, Any] | None = None, **fields: Any) -> Any:
        return self.client.post(path, {**(data or {}), **fields}, headers=self._headers)

    def follow(self, redirect: Any) -> Any:
        """Open the page of this site that a redirect leads to."""
        assert redirect.status_code == 303
        return self.client.get(redirect["Location"])

    def after(self, response: Any) -> Any:
        """Return what is shown after an action: the fragment, or the page that follows."""
        return response if self.js else self.follow(response)

    @property
    def _headers(self) -> dict[str, str]:
        return IN_PLACE if self.js else {}

    def begin(self, *amounts: str, **fields: Any) -> Payment:
        """Owe, and continue to payment."""
        self.owe(*amounts, **fields)
        self.post(url("payments"))
        payment: Payment = Payment.objects.filter(user=self.user).pending()[0]
        return payment

    def form(self, payment: Payment, identifier: str = "cards") -> dict[str, str]:
        """Open the form of a way to pay, and return what it would post, filled in."""
        shown = self.get(url("payment", payment), moocher=identifier)
        form = dom(shown).form(url("moocher", payment, identifier))
        return {**form.fields(), "name": "Ada"}

    def pay(self, payment: Payment, identifier: str = "cards", **changes: str) -> Any:
        data = {**self.form(payment, identifier), **changes}
        return self.post(url("moocher", payment, identifier), data)


def attempt_of(payment: Payment) -> Attempt:
    """Return the payment's only attempt."""
    attempt: Attempt = payment.attempts.get()
    return attempt


def stored(payment: Payment) -> Payment:
    """Return the payment as the database has it."""
    found: Payment = Payment.all_objects.get(pk=payment.pk)
    return found


def report(
    client: Client,
    attempt: Attempt | None = None,
    identifier: str = "cards",
    *,
    event: int = 1,
    reference: str = "",
    **facts: Any,
) -> Any:
    """Post a webhook of the PSP about an attempt or a reference of its own, signed."""
    reference = reference or (attempt and attempt.psp_reference) or f"ch_{0:032x}"
    about = {"attempt": str(attempt.pk)} if attempt else {}
    data = {"object": "charge", "id": reference, "metadata": about, **facts}
    content = {"id": f"evt_{event:032x}", "account": "", "live": False, "data": data}
    return post_webhook(client, json.dumps(content).encode(), identifier=identifier)


def post_webhook(
    client: Client, body: bytes, signature: str | None = None, identifier: str = "cards"
) -> Any:
    """Post the body of a webhook, with the PSP's signature or another."""
    if signature is None:
        signature = sign(WEBHOOK_SECRET, body, int(time.time()))
    return client.post(
        url("webhook", None, identifier),
        body,
        content_type="application/json",
        headers={SIGNATURE_HEADER: signature},
    )
