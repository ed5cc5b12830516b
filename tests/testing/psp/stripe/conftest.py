"""A fake PSP, and whoever talks to it as to Stripe: by stripe-python, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import stripe

from payments_ui.testing.psp import SandboxPSP

from .declared import wrong

BACK = "http://127.0.0.1:9/back"
HOOK = "http://127.0.0.1:9/hook"


class Recorder(stripe.RequestsClient):
    """Sends what stripe-python asks, and keeps every answer."""

    def __init__(self) -> None:
        super().__init__(timeout=5)
        self.answers: list[Any] = []
        self.headers: Mapping[str, str] = {}

    def request(self, *args: Any, **options: Any) -> Any:
        body, status, self.headers = super().request(*args, **options)
        if body.startswith(b"{"):
            self.answers.append(json.loads(body))
        return body, status, self.headers


@dataclass
class Shop:
    """A merchant's server, which verifies what it gets."""

    secret: str
    events: list[stripe.Event] = field(default_factory=list)

    def receive(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        header = headers["Stripe-Signature"]
        self.events.append(stripe.Webhook.construct_event(body, header, self.secret))
        return 200

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


@dataclass
class Browser:
    """A browser at the fake PSP: on its pages, and as Stripe.js."""

    psp: SandboxPSP

    def send(
        self, method: str, url: str, fields: dict[str, str] | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        connection = HTTPConnection(urlsplit(self.psp.url).netloc, timeout=5)
        body = None if fields is None else urlencode(fields)
        try:
            connection.request(method, url.removeprefix(self.psp.url), body, headers)
            reply = connection.getresponse()
            return reply.status, dict(reply.headers), reply.read().decode()
        finally:
            connection.close()

    def ask(self, path: str, fields: dict[str, str], **headers: str) -> dict[str, Any]:
        """Call the API as Stripe.js does."""
        headers = {"Authorization": f"Bearer {self.psp.stripe.publishable_key}"} | headers
        answer = self.send("POST", f"/stripe{path}", fields, **headers)[2]
        found: dict[str, Any] = json.loads(answer)
        return found


@pytest.fixture
def shop() -> Shop:
    return Shop("whsec_sandbox")


@pytest.fixture
def psp(shop: Shop) -> Iterator[SandboxPSP]:
    with SandboxPSP(api_key="key", webhook_secret="secret", sender=shop.receive) as psp:
        psp.stripe.listen(HOOK)
        yield psp


@pytest.fixture
def recorder(psp: SandboxPSP, shop: Shop) -> Iterator[Recorder]:
    """Every answer and every event has the fields that stripe-python declares."""
    recorder = Recorder()
    yield recorder
    psp.deliver_webhooks()
    answers = recorder.answers + [event.to_dict() for event in shop.events]
    found: list[str] = []
    for answer in answers:
        if "error" in answer:
            said = wrong(answer["error"], stripe.ErrorObject)
            found += [sentence for sentence in said if "is missing" not in sentence]
            continue
        found += wrong(answer)
        if answer.get("object") == "event":
            found += wrong(answer["data"]["object"])
    assert sorted(set(found)) == []


@pytest.fixture
def client(psp: SandboxPSP, recorder: Recorder) -> stripe.StripeClient:
    return stripe.StripeClient(
        psp.stripe.secret_key,
        base_addresses={"api": psp.stripe.url},
        http_client=recorder,
        max_network_retries=0,
    )


@pytest.fixture
def browser(psp: SandboxPSP) -> Browser:
    return Browser(psp)


@pytest.fixture
def customer(client: stripe.StripeClient) -> str:
    return client.v1.customers.create({"email": "ada@example.com"}).id


def said(error: pytest.ExceptionInfo[stripe.StripeError]) -> dict[str, Any]:
    """Return what an error says of itself."""
    body: Any = error.value.json_body
    found: dict[str, Any] = body["error"]
    return found


def refused(error: pytest.ExceptionInfo[stripe.StripeError]) -> tuple[Any, ...]:
    """Return code and parameter of an error."""
    return said(error).get("code"), said(error).get("param")


def step_of(intent: stripe.PaymentIntent | stripe.SetupIntent) -> str:
    """Return the page where the customer of a payment or set-up confirms."""
    action: Any = intent.next_action
    if action.type == "redirect_to_url":
        return str(action.redirect_to_url.url)
    return str(action.use_stripe_sdk["stripe_js"])
