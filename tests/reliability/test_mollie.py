"""Mollie under fire: unsigned webhooks, lost answers, keys that last an hour, mandates."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import QuerySet
from django.test import Client, override_settings
from django.urls import reverse
from mooch.signals import post_charge

from payments_ui.core.models import Attempt, Payment, PaymentMethod
from payments_ui.core.paymentmethods.consent import wording
from payments_ui.flows import payment_methods
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.mollie import MollieMoocher
from payments_ui.testing.moochers import forget, listed
from payments_ui.testing.psp import SandboxPSP, Status

from . import site
from .frame import Trial, database_kind, scenario
from .support import owe, people
from .threads import threads

FORM = "application/x-www-form-urlencoded"
#: Longer than Mollie remembers a key, and than a request can be on its way.
LATER = 3700
MANY = {"postgres": 300, "mariadb": 200, "sqlite": 60}


@contextmanager
def mollie_site(psp: SandboxPSP, ahead: float = 0) -> Iterator[None]:
    """Be a site that takes payments at the fake Mollie, so many seconds later than now."""
    moocher = MollieMoocher(
        api_key=psp.mollie.api_key, endpoint=psp.url, timeout=(5, 5), can_save=True
    )
    paths = listed(moocher)
    ours = {"MOOCHERS": paths, "ATTEMPTS_PER_HOUR": 10**6}
    with site.at(psp.url, ahead), override_settings(PAYMENTS_UI=ours):
        yield
    forget(paths)


def start(user: User, **data: str) -> Attempt | None:
    """Continue to payment and pay; the attempt, if anything was owed."""
    browser = site.Browser(user.pk)
    payment = browser.proceed()
    if payment is None:
        return None
    fields = FormToken.fields(payment) | data
    browser.post("moocher", fields, pk=payment.pk, identifier="mollie")
    return payment.attempts.order_by("started_at").last()


def report(attempt: Attempt, reference: str = "") -> int:
    """Post what Mollie posts; the status of the answer."""
    path = reverse("payments_ui:webhook", kwargs={"identifier": "mollie"})
    body = f"id={reference or attempt.psp_reference}"
    client = Client(**site.NOWHERE)
    return client.post(f"{path}?attempt={attempt.pk}", body, content_type=FORM).status_code


def let_it_be_asked_again(attempt: Attempt) -> None:
    rows: QuerySet[Attempt] = QuerySet(Attempt).filter(pk=attempt.pk)
    rows.update(asked_at=None)


@scenario(
    22,
    "Webhook and return at Mollie, whose webhooks are unsigned",
    provoked="its webhook before the browser returns, after it, and both at a barrier; then again",
    promised="one settled attempt, one signal; nothing is stored of the webhooks",
)
def test_an_unsigned_webhook_and_the_return_settle_once(trial: Trial, psp: SandboxPSP) -> None:
    signals: Counter[Any] = Counter()

    def listen(sender: object, payment: Payment, **facts: object) -> None:
        signals[payment.pk] += 1

    post_charge.connect(listen)
    with mollie_site(psp), threads(2) as pool:
        for number in trial.repeat(small=3, full=MANY[database_kind()]):
            (user,) = people(1)
            owe(user, "12.00")
            attempt = start(user)
            assert attempt is not None
            back = psp.decide(attempt.action_url, "approve")
            acts: list[Callable[[], Any]] = [
                lambda attempt=attempt: report(attempt),  # type: ignore[misc]
                lambda back=back, user=user: site.Browser(user.pk).come_back(back),  # type: ignore[misc]
            ]
            if number % 3 == 2:
                pool.at_once(acts)
            else:
                for act in acts[:: -1 if number % 3 else 1]:
                    act()
            let_it_be_asked_again(attempt)
            report(attempt)
            attempt.refresh_from_db()
            ended = (attempt.state, signals[attempt.payment_id])
            trial.check(ended == ("settled", 1), f"ended as {ended}")
    post_charge.disconnect(listen)


@scenario(
    25,
    "Made-up webhooks for Mollie",
    provoked="posts with ids and attempts that nobody has, and a true one over and over",
    promised="Mollie is asked nothing for the first, and once for the second; nothing is stored",
)
def test_made_up_webhooks_ask_and_store_nothing(trial: Trial, psp: SandboxPSP) -> None:
    (user,) = people(1)
    owe(user, "12.00")
    with mollie_site(psp):
        attempt = start(user)
        assert attempt is not None
        asked = psp.calls["fetch"]
        for number in trial.repeat(small=20, full=2000):
            report(Attempt(), f"tr_{number}")
        trial.check(psp.calls["fetch"] == asked, "Mollie was asked about what is made up")
        answers = Counter(report(attempt) for _time in trial.repeat(small=20, full=300))
        trial.check(set(answers) <= {200, 503}, f"answered {answers}")
        most = 1 + trial.size(small=20, full=300) // 10
        trial.check(psp.calls["fetch"] <= asked + most, "Mollie was asked again and again")
    trial.check(Attempt.objects.count() == 1, "attempts were made up")


FAULTS = ("lost_reply", "error_after", "error_before", "lost_request", "garbled", "rate_limited")


@scenario(
    15,
    "Replies of Mollie lost, found an hour later",
    provoked="charges of saved cards (recurring payments) whose answers get lost, break or never "
    "arrive; Mollie has forgotten the keys when reconciliation runs; whoever owes pays again",
    promised="everybody is charged once for what they owed",
)
def test_mandates_are_never_charged_twice(trial: Trial, psp: SandboxPSP) -> None:
    dice = random.Random(15)  # noqa: S311 (no secret)
    users = people(trial.size(small=6, full=60))
    with mollie_site(psp):
        methods = [save_a_card(psp, user) for user in users]
        for user, method in zip(users, methods, strict=True):
            owe(user, "19.90")
            trial.tried()
            psp.plan.add(dice.choice(FAULTS), on="create")
            start(user, payment_method=str(method.pk))
            psp.plan.clear()
    psp.advance(LATER)
    with mollie_site(psp, LATER):
        call_command("reconcile_payments", verbosity=0)
        for user, method in zip(users, methods, strict=True):
            start(user, payment_method=str(method.pk))
    trial.check(not site.open_attempts(), f"open: {site.open_attempts()}")
    charged = Counter(Payment.objects.charged().values_list("user_id", flat=True))
    trial.check(set(charged.values()) == {2}, f"charged {charged}")
    taken = Counter(charge.status for charge in psp.ledger.charges.all())[Status.SUCCEEDED]
    trial.check(taken == 2 * len(users), f"Mollie took money {taken} times of {2 * len(users)}")


def save_a_card(psp: SandboxPSP, user: User) -> PaymentMethod:
    """Pay for the first time, and tick the box."""
    owe(user, "5.00")
    data = {
        payment_methods.SAVE: "on",
        payment_methods.VERSION: wording().version,
    }
    attempt = start(user, **data)
    assert attempt is not None
    psp.decide(attempt.action_url, "approve")
    assert report(attempt) == 200
    method: PaymentMethod = PaymentMethod.objects.get(user=user)
    return method
