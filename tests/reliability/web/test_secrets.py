"""Card numbers, secrets and sessions that come in anywhere stay nowhere."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from pytest_django import Settings

from payments_ui.core.models import LineItem, Payment
from payments_ui.flows import pay
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.testing.moochers import listed
from payments_ui.testing.psp import SandboxPSP
from tests.fakes import CARDS
from tests.fixtures import MakeShopper
from tests.mooch import site
from tests.reliability.frame import Trial, scenario
from tests.shopping import IN_PLACE, Shopper, post_webhook, url

from . import doors
from .loud import LOUD, loud

#: What nobody may find again, by the name a form or an answer gives it.
CANARIES = {
    "number": "4000056655665556",
    "card": "4000 0566 5566 5556",
    "cvc": "9173",
    "iban": "DE89370400440532013000",
    "account": "DE89 3704 0044 0532 0130 00",
    "password": "canary-password-of-the-user",
    "api_key": "canary-key-of-the-psp",
    "client_secret": "pi_1_secret_canary",
    "webhook_secret": "canary-secret-of-the-webhook",
}
TOLD = "; ".join(f"{name}: {value}" for name, value in CANARIES.items())
#: Those that are known by their looks, or by heart.
RECOGNISED = f"{CANARIES['number']} {CANARIES['iban']} {CANARIES['api_key']} sk_live_canary123"
HEADERS = {"User-Agent": TOLD, "X-Card": TOLD, "Authorization": f"Bearer {CANARIES['api_key']}"}

forgetful = SandboxMoocher(
    psp_url="http://127.0.0.1:9",
    api_key=CANARIES["api_key"],
    webhook_secret=CANARIES["webhook_secret"],
    timeout=1,
)
(FORGETFUL,) = listed(forgetful)


class Sinks:
    """Where a canary might be found: tables, log, mails, pages."""

    def __init__(self, log: pytest.LogCaptureFixture) -> None:
        self.log = log
        self.pages: list[tuple[str, str]] = []
        self._texts = {*CANARIES.values(), "sk_live_canary123"}

    def watch(self, text: str) -> None:
        self._texts.add(text)

    def page(self, name: str, response: Any) -> None:
        self.pages.append((name, f"{response.content.decode()}\n{response.headers}"))

    def found(self) -> Iterator[str]:
        for table in connection.introspection.table_names():
            yield from self._in(f"table {table}", dump(table))
        yield from self._in("log", self.log.text)
        for one in mail.outbox:
            yield from self._in("mail", f"{one.subject}\n{one.body}")
        for name, text in self.pages:
            yield from self._in(f"page of {name}", text)

    def _in(self, where: str, text: str) -> Iterator[str]:
        # Not as a part of a longer number or word.
        canary = "|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in self._texts)
        for match in re.finditer(canary, text):
            around = text[max(0, match.start() - 60) : match.end() + 20]
            yield f"{where}: {match[0]} in {around!r}"


def dump(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
        return "\n".join(map(str, cursor.fetchall()))


@pytest.fixture
def sinks(caplog: pytest.LogCaptureFixture) -> Sinks:
    caplog.set_level(logging.DEBUG)
    return Sinks(caplog)


def check(trial: Trial, sinks: Sinks) -> None:
    for one in sinks.found():
        trial.violation(one)


def requests(shopper: Shopper) -> Iterator[tuple[str, Any]]:
    """Every URL, asked and posted with canaries in the query, the form and the headers."""
    for route in doors.OWNER:
        payment = Payment.objects.filter(user=shopper.user).pending().first()
        payment = payment or shopper.begin("5.00")
        path = doors.path_of(route, payment.pk, identifier="loud")
        for extra in ({}, IN_PLACE):
            headers = {**HEADERS, **extra}
            yield f"GET {path}", shopper.client.get(path, CANARIES, headers=headers)
            yield f"POST {path}", shopper.client.post(path, CANARIES, headers=headers)
            yield f"visitor {path}", Client().get(path, headers=headers)


def attempts(shopper: Shopper, sinks: Sinks) -> Iterator[str]:
    """Pay with a PSP that tells everything it knows, in each of its answers."""
    for answer in ("taken", "decline", "raise", "wait"):
        yield answer
        loud.answers, loud.says = answer, TOLD
        payment = shopper.begin("5.00")
        form = shopper.form(payment, "loud") | CANARIES
        sinks.page(answer, shopper.post(url("moocher", payment, "loud"), form))
        loud.says = RECOGNISED
        sinks.page(answer, shopper.get(url("payment", payment)))


@scenario(
    40,
    "Secrets and cards: requests and answers of PSPs",
    provoked="card number, CVC, IBAN, passwords, keys and secrets in every query, form and header, "
    "in every answer and exception of a PSP, in webhooks, signed and not",
    promised="absent from all tables, from the log at DEBUG, from mails and from pages",
)
def test_canaries_do_not_get_through(
    trial: Trial,
    make_shopper: MakeShopper,
    settings: Settings,
    sinks: Sinks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moochers = {"MOOCHERS": [LOUD, CARDS, FORGETFUL], "ALLOW_SANDBOX": True}
    settings.PAYMENTS_UI = {**moochers, "ATTEMPTS_PER_HOUR": 1000}
    loud.say("Loud")
    # References are how money is found, and are kept as they are.
    monkeypatch.setattr(loud, "reference", f"ch_{1:032x}")
    shopper = make_shopper(password=CANARIES["password"])
    sinks.watch(shopper.client.cookies["sessionid"].value)
    for name, response in requests(shopper):
        trial.tried()
        sinks.page(name, response)
    for _answer in attempts(shopper, sinks):
        trial.tried()
    for body in webhooks():
        trial.tried()
        for signature in (None, CANARIES["webhook_secret"]):
            sinks.page("webhook", post(body, signature))
    payment = shopper.begin("5.00")
    sinks.page("unreachable", shopper.pay(payment, "sandbox", card="card_approve"))
    check(trial, sinks)


def webhooks() -> Iterator[bytes]:
    nested = {"nested": CANARIES, "message": TOLD}
    charge = {**CANARIES, "object": "charge", "id": f"ch_{1:032x}", "metadata": nested}
    event = {**CANARIES, "account": "", "live": False, "data": charge}
    yield json.dumps({**event, "id": f"evt_{1:032x}"}).encode()
    yield json.dumps({"id": f"evt_{2:032x}", **CANARIES, "data": nested}).encode()
    yield TOLD.encode()


def post(body: bytes, signature: str | None) -> Any:
    client = Client(raise_request_exception=False, headers=HEADERS)
    return post_webhook(client, body, signature)


@scenario(
    40,
    "Secrets and cards: errors that nobody foresaw",
    provoked="a crash in the middle of paying, with canaries posted; a PSP that refuses the key",
    promised="neither Django's error mail nor the log has them",
)
def test_a_crash_tells_nothing(
    trial: Trial,
    make_shopper: MakeShopper,
    settings: Settings,
    sinks: Sinks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [LOUD]}
    loud.say("Loud")
    loud.answers = "taken"
    shopper = make_shopper()
    shopper.client.raise_request_exception = False
    payment = shopper.begin("5.00")

    def crash(*args: Any) -> None:
        raise RuntimeError("Nobody foresaw this")

    monkeypatch.setattr(pay, "pay", crash)
    for headers in ({}, IN_PLACE):
        trial.tried()
        data = {**shopper.form(payment, "loud"), **CANARIES}
        response = shopper.client.post(url("moocher", payment, "loud"), data, headers=headers)
        trial.check(response.status_code == 500, "nothing crashed")
        sinks.page("crash", response)
    trial.check(any("Nobody foresaw" in one.body for one in mail.outbox), "no error mail was sent")
    check(trial, sinks)


@scenario(
    40,
    "Secrets and cards: django-mooch and the admin",
    provoked="moochers that write down all they are posted and answered; clerks who type card "
    "numbers into reasons, titles and searches",
    promised="absent from all tables, from the log at DEBUG and from mails",
)
def test_canaries_of_others_do_not_get_through(
    trial: Trial, make_shopper: MakeShopper, psp: SandboxPSP, settings: Settings, sinks: Sinks
) -> None:
    settings.ROOT_URLCONF = "tests.mooch.site"
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "mooch"]
    settings.PAYMENTS_UI = {"MOOCHERS": [*site.ALL, LOUD]}
    settings.MIDDLEWARE = site.middleware(settings.MIDDLEWARE)
    shopper = make_shopper()
    for paid in (True, False):
        trial.tried()
        stripe(shopper, paid=paid)
    postfinance(shopper)
    clerk = make_shopper(is_staff=True, is_superuser=True)
    for number in range(2):
        trial.tried()
        administrate(clerk, shopper.begin(f"{number + 3}.00"))
    check(trial, sinks)


def stripe(shopper: Shopper, *, paid: bool) -> None:
    def answer(*args: object, data: dict[str, Any], **kwargs: object) -> mock.Mock:
        charge = {"id": "ch_1", "paid": paid, "amount": data["amount"], "currency": "chf"}
        return mock.Mock(text=json.dumps({**charge, "source": CANARIES, "note": RECOGNISED}))

    payment = shopper.begin("5.00")
    with mock.patch("requests.post", side_effect=answer):
        shopper.client.post(
            "/anywhere/charge/",
            {"id": payment.pk.hex, "token": "tok_1", **CANARIES},
            headers={"Sec-Fetch-Site": "same-origin"},
        )


def postfinance(shopper: Shopper) -> None:
    for path in ("/anywhere/success/", "/anywhere/postsale/"):
        fields = {"orderID": "x", "CARDNO": CANARIES["number"], "SHASIGN": "0" * 40, **CANARIES}
        shopper.client.get(path, fields)
        shopper.client.post(path, fields)


def administrate(clerk: Shopper, payment: Payment) -> None:
    page = "/admin/payments_core/"
    clerk.get(f"{page}payment/", q=RECOGNISED)
    act = {"action": "cancel_pending", "_selected_action": [payment.pk], "reason": RECOGNISED}
    clerk.post(f"{page}payment/", act)
    item = {"user": clerk.user.pk, "title": f"For {RECOGNISED}", "amount": "3", "currency": "CHF"}
    item |= {"used_at_0": "2026-01-31", "used_at_1": "12:00"}
    clerk.post(f"{page}lineitem/add/", item)
    added = LineItem.objects.filter(user=clerk.user).latest("pk")
    clerk.post(f"{page}lineitem/{added.pk}/change/", item)
