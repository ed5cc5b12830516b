"""A real server under many senders, and beside a PSP that does not answer."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, connections
from mooch.signals import post_charge
from pytest_django.live_server_helper import LiveServer

from payments_ui.core.models import Attempt, Event, LineItem, Payment
from payments_ui.flows.tokens import FormToken
from payments_ui.testing.psp import SandboxPSP, sign

from . import site
from .frame import Trial, scenario
from .support import owe, people

Reply = tuple[int, float]


def wait_at_the_psp(psp: SandboxPSP, number: int) -> dict[str, Attempt]:
    """So many payments whose charge the PSP accepted and took by now, by its id."""
    users = people(number)
    LineItem.objects.bulk_create(
        LineItem(user=user, title="Use", amount="12.00", currency="CHF") for user in users
    )
    psp.plan.add("processing", times=number) if number <= 1000 else _plan_many(psp, number)
    for user in users:
        browser = site.Browser(user.pk)
        payment = browser.proceed()
        assert payment is not None
        browser.pay(payment)
    psp.advance(60)
    return {str(attempt.psp_reference): attempt for attempt in Attempt.objects.open()}


def _plan_many(psp: SandboxPSP, number: int) -> None:
    for _ in range(0, number, 1000):
        psp.plan.add("processing", times=1000)


def events(psp: SandboxPSP, charges: dict[str, Attempt], number: int) -> list[bytes]:
    """So many messages about these charges, 30 of 100 sent twice, in random order."""
    dice = random.Random(11)  # noqa: S311 - so that a run can be repeated
    bodies = []
    references = list(charges)
    for place in range(number * 7 // 10):
        sent = psp.outbox.deliveries(references[place % len(references)])[0]["body"]
        bodies.append(json.dumps({**json.loads(sent), "id": f"evt_{uuid.uuid4().hex}"}).encode())
    bodies += dice.choices(bodies, k=number - len(bodies))
    dice.shuffle(bodies)
    return bodies


class Sender:
    """Posts webhooks to a real server, as often as it takes; each thread on a line of its own."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._own = threading.local()
        self._lines: list[HTTPConnection] = []

    def __call__(self, body: bytes) -> list[Reply]:
        replies = [self._post(body)]
        while replies[-1][0] == 503 and len(replies) < 10:
            time.sleep(0.05 * len(replies))
            replies.append(self._post(body))
        return replies

    def _post(self, body: bytes) -> Reply:
        headers = {"Content-Type": "application/json"}
        headers["Sandbox-Signature"] = sign(site.SECRET, body, int(time.time()))
        line = self._line()
        began = time.monotonic()
        line.request("POST", "/webhooks/sandbox/", body, headers)
        with line.getresponse() as answer:
            answer.read()
        return answer.status, time.monotonic() - began

    def _line(self) -> HTTPConnection:
        if not hasattr(self._own, "line"):
            self._own.line = HTTPConnection(self._host, timeout=60)
            self._lines.append(self._own.line)
        line: HTTPConnection = self._own.line
        return line

    def hang_up(self) -> None:
        for line in self._lines:
            line.close()


def percentile(seconds: list[float], share: float) -> float:
    """In milliseconds."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))] * 1000


@scenario(
    11,
    "Webhook storm",
    provoked="10 000 messages about 1 000 charges, 30 % sent twice, in random order, by 20 senders "
    "at once to a real server",
    promised="every payment is charged once, with one signal and one row for each message",
)
def test_a_storm_of_webhooks_settles_each_payment_once(
    trial: Trial, psp: SandboxPSP, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on a server: a worker keeps its connection.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    signals: Counter[Any] = Counter()

    def listen(sender: object, payment: Payment, **facts: object) -> None:
        signals[payment.pk] += 1

    number = trial.size(small=20, full=10_000)
    with site.at(psp.url):
        charges = wait_at_the_psp(psp, trial.size(small=3, full=1000))
        bodies = events(psp, charges, number)
        post_charge.connect(listen, weak=False)
        sender = Sender(live_server.url)
        try:
            with ThreadPoolExecutor(20) as senders:
                answered = list(senders.map(sender, bodies))
        finally:
            sender.hang_up()
            post_charge.disconnect(listen)
    replies = [reply for one in answered for reply in one]
    trial.tried(len(bodies))
    statuses = Counter(one[-1][0] for one in answered)
    trial.check(statuses == {200: number}, f"answered {dict(statuses)}")
    charged = Payment.objects.charged().count()
    trial.check(charged == len(charges), f"{charged} of {len(charges)} payments are charged")
    twice = [pk for pk, times in signals.items() if times != 1]
    trial.check(not twice and len(signals) == len(charges), f"signals: {signals.most_common(3)}")
    kept, unique = Event.objects.count(), len(set(bodies))
    trial.check(kept == unique, f"{kept} rows for {unique} messages")
    seconds = [duration for _, duration in replies]
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        trial.metric(name, percentile(seconds, share), "ms")
    trial.metric("asked to send again", sum(status == 503 for status, _ in replies))


@scenario(
    17,
    "Hanging PSP",
    provoked="the PSP takes a charge and does not answer for a minute, while others pay",
    promised="the request ends before 15 s with 'checking', the attempt is unknown and blocks a "
    "second one; others do not wait",
)
def test_a_psp_that_hangs_holds_up_nobody_else(trial: Trial, psp: SandboxPSP) -> None:
    timeout = trial.size(small=2, full=10)
    with site.at(psp.url), ThreadPoolExecutor(1) as one:
        site.card.pay_at(psp.url, timeout=timeout)
        for number in trial.repeat(small=5, full=3):
            stuck, other = payers()
            psp.plan.add("hang")
            began = time.monotonic()
            hanging = one.submit(pay, *stuck)
            while not bank_is_asked(psp):
                time.sleep(0.01)
            seconds = paid_quickly(other)
            has_waited = hanging.done()
            answer = hanging.result(60)
            took = time.monotonic() - began
            check_unknown(trial, stuck[0], stuck[1], answer)
            if not trial.full and has_waited and number < 4:
                # A busy machine holds somebody up now and then; a lock does it each time.
                continue
            trial.check(not has_waited, f"somebody else waited {seconds:.1f} s")
            trial.check(took < timeout + 5 or not trial.full, f"it took {took:.1f} s")
            trial.metric("hanging request", took, "s")
            trial.metric("request of another", seconds, "s")
            if not trial.full:
                break


def payers() -> list[tuple[site.Browser, Payment]]:
    found = []
    for user in people(2):
        owe(user, "12.00")
        browser = site.Browser(user.pk)
        payment = browser.proceed()
        assert payment is not None
        found.append((browser, payment))
    return found


def pay(browser: site.Browser, payment: Payment) -> Any:
    try:
        return browser.pay(payment)
    finally:
        connections.close_all()


def bank_is_asked(psp: SandboxPSP) -> bool:
    return not psp.plan.steps()


def paid_quickly(other: tuple[site.Browser, Payment]) -> float:
    began = time.monotonic()
    other[0].pay(other[1])
    charged = Payment.objects.charged().filter(pk=other[1].pk).exists()
    assert charged
    return time.monotonic() - began


def check_unknown(trial: Trial, browser: site.Browser, payment: Payment, answer: Any) -> None:
    attempt = payment.attempts.get()
    trial.check(attempt.state == "unknown", f"the attempt is {attempt.state}")
    shown = browser.look(payment).content.decode()
    trial.check("checking" in shown, "the page does not say that it is being checked")
    again = browser.post(
        "moocher",
        {**FormToken.fields(payment), "card": "card_approve"},
        pk=payment.pk,
        identifier="sandbox",
    )
    trial.check(again.status_code == 409, f"paying again was answered {again.status_code}")
