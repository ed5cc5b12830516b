"""What a PSP reports, in any order, any number of times, and by whoever pretends to be it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, permutations
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from mooch.signals import post_charge

from payments_ui.core.models import Attempt, Event, JournalEntry, Payment
from payments_ui.testing.psp import SandboxPSP, sign

from . import site
from .frame import Trial, database_kind, scenario
from .support import owe, people
from .threads import threads

#: A third of them in each order. A commit to a file of SQLite takes ten times as long.
MANY = {"postgres": 900, "mariadb": 600, "sqlite": 150}
TYPES = ("requires_action", "processing", "succeeded", "declined", "cancelled")


@contextmanager
def received_signals() -> Iterator[Counter[Any]]:
    """How often ``post_charge`` was sent for each payment within the block."""
    signals: Counter[Any] = Counter()

    def listen(sender: object, payment: Payment, **facts: object) -> None:
        signals[payment.pk] += 1

    post_charge.connect(listen, weak=False)
    try:
        yield signals
    finally:
        post_charge.disconnect(listen)


class Journey:
    """Somebody on the PSP's page, with a payment that waits for what they decide."""

    def __init__(self, psp: SandboxPSP) -> None:
        (user,) = people(1)
        owe(user, "12.00")
        self.psp = psp
        self.browser = site.Browser(user.pk)
        payment = self.browser.proceed()
        assert payment is not None
        self.browser.pay(payment, site.page.identifier)
        self.payment = payment
        self.attempt = Attempt.objects.get(payment=payment)

    def approve(self) -> str:
        """Pay there; the address that leads back."""
        return self.psp.decide(self.attempt.action_url, "approve")

    def event(self, kind: str = "succeeded") -> bytes:
        """The PSP's message about this charge, of this kind."""
        sent = self.psp.outbox.deliveries(str(self.attempt.psp_reference))[0]["body"]
        event = json.loads(sent)
        event |= {"id": f"evt_{uuid.uuid4().hex}", "type": f"charge.{kind}"}
        event["data"]["status"] = kind
        return json.dumps(event).encode()

    def wrong(self, signals: Counter[Any]) -> str:
        """What is wrong with the end, if anything."""
        payment = Payment.objects.get(pk=self.payment.pk)
        charges = JournalEntry.objects.filter(payment_id=payment.pk, verb="payment_charged").count()
        states = list(payment.attempts.values_list("state", flat=True))
        end = (payment.state.value, states, charges, signals[payment.pk])
        return "" if end == ("charged", ["settled"], 1, 1) else f"ended as {end}"


def deliver(body: bytes) -> int:
    return site.post_webhook(body, sign(site.SECRET, body, int(time.time())), site.page.identifier)


ORDERS = ("webhook first", "return first", "both at once")


@scenario(
    22,
    "Webhook and return",
    provoked="the PSP's webhook before the browser returns, after it, and both at a barrier",
    promised="one settled attempt, one charge in the journal, one signal",
)
def test_webhook_and_return_settle_once(trial: Trial, psp: SandboxPSP) -> None:
    with site.at(psp.url), received_signals() as signals, threads(2) as pool:
        for number in trial.repeat(small=3, full=MANY[database_kind()]):
            journey = Journey(psp)
            back, event = journey.approve(), journey.event()
            acts: list[Callable[[], Any]] = [
                lambda event=event: deliver(event),  # type: ignore[misc]
                lambda back=back, journey=journey: journey.browser.come_back(back),  # type: ignore[misc]
            ]
            order = ORDERS[number % 3]
            if order == "both at once":
                pool.at_once(acts)
            else:
                for act in acts if order == "webhook first" else acts[::-1]:
                    act()
            wrong = journey.wrong(signals)
            trial.check(not wrong, f"{order}: {wrong}")


@scenario(
    23,
    "Webhook order",
    provoked="120 permutations of 5 messages about one charge, which is approved between them",
    promised="one end state: charged once; a late message of a failure undoes nothing",
)
def test_every_order_of_webhooks_ends_the_same(trial: Trial, psp: SandboxPSP) -> None:
    orders = list(permutations(TYPES))
    assert len(orders) == 120
    chosen = orders if trial.full else islice(orders, 7, 120, 60)
    with site.at(psp.url), received_signals() as signals:
        for number, order in enumerate(chosen):
            trial.tried()
            journey = Journey(psp)
            for place, kind in enumerate(order):
                if place == number % len(TYPES):
                    journey.approve()
                status = deliver(journey.event(kind))
                trial.check(status == 200, f"{order}: {kind} was answered {status}")
            wrong = journey.wrong(signals)
            trial.check(not wrong, f"{order}: {wrong}")


@scenario(
    24,
    "Webhook replay",
    provoked="the same bytes 100 times, 20 at once, before and after a refund",
    promised="no change: charged_at, attempt, journal, refund and signals stay as they were",
)
def test_a_replayed_webhook_changes_nothing(trial: Trial, psp: SandboxPSP) -> None:
    times = trial.size(small=10, full=100)
    with (
        site.at(psp.url),
        received_signals() as signals,
        threads(trial.size(small=4, full=20)) as pool,
    ):
        journey = Journey(psp)
        journey.approve()
        event = journey.event()
        deliver(event)
        for refunded in (False, True):
            if refunded:
                Payment.objects.get(pk=journey.payment.pk).refund(reason="not wanted")
            before = books()
            for _ in range(times // pool.size):
                statuses = pool.all(lambda number: deliver(event))
                trial.tried(pool.size)
                trial.check(set(statuses) == {200}, f"answered {statuses}")
            trial.check(books() == before, f"the books have changed, refunded: {refunded}")
            wrong = journey.wrong(signals)
            trial.check(not wrong, wrong)


def books() -> dict[str, list[Any]]:
    """Every row of the kit's tables."""
    tables = [t for t in connection.introspection.table_names() if t.startswith("payments_")]
    return {table: rows(table) for table in tables}


def rows(table: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
        return sorted(map(str, cursor.fetchall()))


def signed(body: bytes, secret: str = site.SECRET, ahead: int = 0) -> dict[str, str]:
    return {"Sandbox-Signature": sign(secret, body, int(time.time()) + ahead)}


def changed(event: bytes, **facts: Any) -> bytes:
    return json.dumps(json.loads(event) | facts).encode()


def signed_with_nothing(body: bytes) -> dict[str, str]:
    """Signed with an empty secret, which the PSP itself refuses to do."""
    now = str(int(time.time()))
    digest = hmac.new(b"", now.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Sandbox-Signature": f"t={now},v1={digest}"}


def forgeries(event: bytes) -> dict[str, tuple[str, bytes, dict[str, str], int]]:
    """Method, body, headers and the answer of each kind."""
    other, test_mode = changed(event, account="acct_other"), changed(event, live=True)
    huge, text = b" " * 300_000, "Sandbox-Signature"
    not_utf8 = event.replace(b"evt_", b"\xff\xfe", 1)
    recoded = json.dumps(json.loads(event), indent=1).encode()
    return {
        "unsigned": ("POST", event, {}, 400),
        "wrong secret": ("POST", event, signed(event, "another secret"), 400),
        "empty secret": ("POST", event, signed_with_nothing(event), 400),
        "cut": ("POST", event[:-1], signed(event), 400),
        "encoded again": ("POST", recoded, signed(event), 400),
        "old": ("POST", event, signed(event, ahead=-301), 400),
        "from the future": ("POST", event, signed(event, ahead=86400 * 365), 400),
        "other account": ("POST", other, signed(other), 400),
        "other mode": ("POST", test_mode, signed(test_mode), 400),
        "huge": ("POST", huge, signed(huge), 413),
        "not UTF-8": ("POST", not_utf8, signed(not_utf8), 400),
        "header that is no ASCII": ("POST", event, {text: "t=1,v1=é"}, 400),
        "GET": ("GET", b"", signed(b""), 405),
    }


@scenario(
    25,
    "Forged webhooks",
    provoked="unsigned, wrong and empty secret, cut, encoded again, old, from the future, other "
    "account, other mode, huge, not UTF-8, header that is no ASCII, GET",
    promised="400, 413 or 405; no row of any table is written, no PSP is asked",
)
def test_forged_webhooks_write_nothing(trial: Trial, psp: SandboxPSP) -> None:
    with site.at(psp.url):
        journey = Journey(psp)
        journey.approve()
        before = books()
        for _ in trial.repeat(small=1, full=800):
            for name, (method, body, headers, wanted) in forgeries(journey.event()).items():
                trial.tried()
                client = Client(**site.NOWHERE)
                path = f"/webhooks/{site.page.identifier}/"
                kind = "application/json"
                answer: Any = client.generic(method, path, body, kind, headers=headers)
                got = answer.status_code
                trial.check(got == wanted, f"{name}: {got}, not {wanted}")
        trial.check(books() == before, "something was written")
        # And the true one is still taken.
        trial.check(deliver(journey.event()) == 200, "the true one was refused")
        trial.check(Event.objects.count() == 1, "the true one was not kept")


@pytest.mark.parametrize("secret", ["", [], [""], ["a secret", ""]])
def test_a_moocher_without_a_secret_does_not_start(secret: Any) -> None:
    with pytest.raises(ValueError, match="secret"):
        site.Sandbox(psp_url=site.BASE_URL, api_key=site.KEY, webhook_secret=secret)
