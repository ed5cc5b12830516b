"""Banks that take money back, refunds from the dashboard, and refunds that come back."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import stripe
from django.db import models

from payments_ui.core import signals
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, Dispute, LineItem, Payment, Refund
from payments_ui.testing.psp import SandboxPSP

from . import disputes, jobs, processes, site
from .frame import Trial, database_kind, scenario
from .support import people
from .threads import threads

MANY = {"postgres": 100, "mariadb": 60, "sqlite": 30}
#: What the bank does one after the other, and how it ends.
STORIES: dict[str, tuple[tuple[str, ...], str]] = {
    "lost": (("review", "lose"), "lost"),
    "lost without a word": (("lose",), "lost"),
    "won": (("review", "win"), "won"),
    "lost, then won": (("lose", "win"), "won"),
    "asked only": (("lose",), "closed"),
    "asked, then lost": (("escalate", "lose"), "lost"),
}


@contextmanager
def heard() -> Iterator[Counter[tuple[str, int, str]]]:
    """Yield how often each signal was sent, of which dispute and in which state."""
    sent: Counter[tuple[str, int, str]] = Counter()

    def opened(dispute: Dispute, **_facts: Any) -> None:
        sent["opened", dispute.pk, ""] += 1

    def closed(dispute: Dispute, **_facts: Any) -> None:
        sent["closed", dispute.pk, dispute.state] += 1

    signals.dispute_opened.connect(opened)
    signals.dispute_closed.connect(closed)
    try:
        yield sent
    finally:
        signals.dispute_opened.disconnect(opened)
        signals.dispute_closed.disconnect(closed)


@scenario(
    31,
    "Dispute",
    provoked="a bank opens, reviews and decides, also otherwise later, while Stripe's events of it "
    "come by three senders at once; then all of them again, twice and in any order",
    promised="the dispute ends as the bank decided, what it took is the PSP's figure, receivers "
    "are called once, and lost charges are owed again once by four clerks at once",
)
def test_a_dispute_ends_as_the_bank_decided(trial: Trial, psp: SandboxPSP) -> None:
    psp.stripe.listen("http://127.0.0.1:9/")
    with site.at(psp.url), disputes.stripe_site(psp.url), threads(4) as pool, heard() as sent:
        for number in trial.repeat(small=len(STORIES), full=MANY[database_kind()]):
            name, (steps, end) = list(STORIES.items())[number % len(STORIES)]
            (user,) = people(1)
            attempt = disputes.charged(psp, user)
            charge = disputes.charge_of(psp, attempt)
            moved = psp.bank.open_dispute(
                charge, reason="fraudulent", inquiry=name.startswith("asked")
            )
            for step in steps:
                earlier = disputes.reports(psp, attempt, "charge.dispute")
                senders = [partial(deliver, disputes.shuffled(earlier)) for _sender in range(3)]
                move = getattr(psp.bank, f"{step}_dispute")
                trial.violations += [
                    f"{name}: {result!r}"
                    for result in pool.at_once([*senders, partial(move, moved.id)])
                    if isinstance(result, Exception)
                ]
            answers = [
                disputes.post(body)
                for body in disputes.shuffled(disputes.reports(psp, attempt, "charge.dispute"))
            ]
            trial.check(set(answers) == {200}, f"{name}: answered {set(answers)}")
            check(trial, name, attempt, end, sent)
            if end == "lost":
                owed_again_once(trial, pool, attempt)


def deliver(bodies: list[str]) -> None:
    for body in bodies:
        disputes.post(body)


def check(
    trial: Trial, name: str, attempt: Attempt, end: str, sent: Counter[tuple[str, int, str]]
) -> None:
    dispute = attempt.disputes.get()
    trial.check(dispute.state == end, f"{name}: it is {dispute.state}")
    taken = disputes.AMOUNT if end == "lost" else Decimal(0)
    counted = attempt.as_stored().disputed_amount
    trial.check(counted == taken, f"{name}: {counted} is counted, {taken} was taken")
    trial.check(sent["opened", dispute.pk, ""] == 1, f"{name}: opened was not sent once")
    trial.check(sent["closed", dispute.pk, end] == 1, f"{name}: {end} was not sent once")


def owed_again_once(trial: Trial, pool: Any, attempt: Attempt) -> None:
    pk = attempt.payment_id
    results = pool.all(
        lambda _number: Payment.all_objects.get(pk=pk).reopen_charges(reason="they use it")
    )
    refused = [result for result in results if isinstance(result, Exception)]
    trial.check(len(refused) == 3, f"{4 - len(refused)} of four clerks let it be owed again")
    owed = LineItem.objects.unbound().filter(user=attempt.payment.user)
    total = owed.aggregate(total=models.Sum("amount"))["total"]
    trial.check(total == disputes.AMOUNT, f"{total} is owed again")


@scenario(
    31,
    "Refunds from the dashboard, and refunds that come back",
    provoked="somebody refunds in Stripe's dashboard in two parts, one of which comes back, while "
    "events of it come twice in any order; then a clerk refunds what is left",
    promised="what is given back here is what the PSP gave back; nothing is owed again by itself",
)
def test_refunds_from_the_dashboard_end_in_the_books(trial: Trial, psp: SandboxPSP) -> None:
    psp.stripe.listen("http://127.0.0.1:9/")
    merchant = stripe.StripeClient(
        psp.stripe.secret_key, base_addresses={"api": psp.stripe.url}, max_network_retries=0
    )
    with site.at(psp.url), disputes.stripe_site(psp.url):
        for _number in trial.repeat(small=2, full=MANY[database_kind()]):
            (user,) = people(1)
            attempt = disputes.charged(psp, user)
            for amount in (1000, 700):
                merchant.v1.refunds.create(
                    {"payment_intent": attempt.psp_reference or "", "amount": amount}
                )
            answers = [disputes.post(body) for body in events_of_refunds(psp, attempt)]
            first, _second = psp.ledger.refunds.of(disputes.charge_of(psp, attempt))
            psp.bank.return_refund(first.id, "lost_or_stolen_card")
            answers += [disputes.post(body) for body in events_of_refunds(psp, attempt)]
            trial.check(set(answers) == {200}, f"answered {set(answers)}")
            states = Counter(attempt.refunds.values_list("state", "amount"))
            expected = {("came_back", Decimal("10.00")): 1, ("succeeded", Decimal("7.00")): 1}
            trial.check(states == expected, f"the refunds are {states}")
            rest = attempt.payment.refund(reason="broken")
            trial.check(rest.amount == Decimal("23.00"), f"{rest.amount} was left")
            owed = LineItem.objects.unbound().filter(user=user).exists()
            trial.check(not owed, "A refund made line items owed again")


def events_of_refunds(psp: SandboxPSP, attempt: Attempt) -> list[str]:
    return disputes.shuffled(disputes.reports(psp, attempt, "refund.", "charge.refunded"))


DELIVERING = (
    *(Point.DISPUTE_BEFORE_COMMIT, Point.REFUND_REPORTED_BEFORE_COMMIT),
    *(Point.ANNOUNCE_AFTER_RECEIVER, Point.WEBHOOK_AFTER_STORE),
)
REOPENING = (Point.REOPEN_BEFORE_COMMIT, Point.UNDO_BEFORE_COMMIT, Point.ANNOUNCE_AFTER_RECEIVER)


@pytest.mark.parametrize("is_reopening", [False, True], ids=["reports", "owed again"])
@scenario(
    13,
    "kill -9 while money is taken back",
    provoked="a process that hears of a refund from the dashboard and of a lost dispute, or lets "
    "the charges be owed again, is killed at each point of its way; then the same is done again, "
    "and reconciliation runs, ten minutes later",
    promised="what was given and taken back is counted once, owed again once; receivers are told",
)
def test_a_rerun_completes_what_was_taken_back(
    trial: Trial, psp: SandboxPSP, is_reopening: bool
) -> None:
    psp.stripe.listen("http://127.0.0.1:9/")
    points = REOPENING if is_reopening else DELIVERING
    for point in points if trial.full else points[:2]:
        trial.tried()
        (user,) = people(1)
        with site.at(psp.url), disputes.stripe_site(psp.url):
            attempt = disputes.charged(psp, user)
            job, given = prepared(psp, attempt, is_reopening=is_reopening)
        ended = processes.run(jobs.run_until, point, 1, psp.url, 0, job, *given)
        trial.check(ended.was_killed, f"At {point} it was not killed {ended.error}")
        psp.advance(600)
        again = [(job, given), (disputes.reconcile, ()), (job, given)]
        for rerun, arguments in random.sample(again, 3):
            done = processes.run(jobs.run, psp.url, 600, rerun, *arguments)
            trial.check(not done.error and done.code == 0, f"{point}, rerun: {done.error}")
        done = processes.run(jobs.run, psp.url, 1200, disputes.reconcile)
        trial.check(not done.error and done.code == 0, f"{point}, rerun: {done.error}")
        trial.violations += [f"{point}: {text}" for text in wrong(attempt, is_reopening)]


def prepared(
    psp: SandboxPSP, attempt: Attempt, *, is_reopening: bool
) -> tuple[jobs.Job[...], tuple[str, ...]]:
    """What the process is to do, after what the bank and somebody at the dashboard did."""
    charge = disputes.charge_of(psp, attempt)
    if not is_reopening:
        asking = stripe.StripeClient(
            psp.stripe.secret_key, base_addresses={"api": psp.stripe.url}, max_network_retries=0
        )
        refund: Any = {"payment_intent": attempt.psp_reference or "", "amount": 1000}
        asking.v1.refunds.create(refund)
    psp.bank.lose_dispute(psp.bank.open_dispute(charge, reason="fraudulent").id)
    bodies = disputes.reports(psp, attempt, "charge.dispute", "refund.")
    if not is_reopening:
        return disputes.deliver, tuple(bodies)
    for body in bodies:
        disputes.post(body)
    return disputes.reopen, (str(attempt.payment_id),)


def wrong(attempt: Attempt, is_reopening: bool) -> list[str]:
    """What is wrong with what was taken back of this attempt."""
    now = attempt.as_stored()
    dispute, refunds = attempt.disputes.get(), list(attempt.refunds.all())
    refunded = Decimal(0) if is_reopening else Decimal("10.00")
    facts = {
        "refunded": (now.refunded_amount, refunded),
        "taken": (now.disputed_amount, disputes.AMOUNT - refunded),
        "state": (dispute.state, "lost"),
        "refunds": ([refund.state for refund in refunds], ["succeeded"] * (not is_reopening)),
        "unsent": (
            [row for row in (*Refund.objects.filter(signal_sent_at=None), *unsent(dispute)) if row],
            [],
        ),
    }
    if is_reopening:
        owed = LineItem.objects.unbound().filter(user=attempt.payment.user)
        total = owed.aggregate(total=models.Sum("amount"))["total"]
        facts["owed"] = (total, disputes.AMOUNT)
        facts["due"] = (now.payment.signal_due_at, None)
    return [
        f"{name}: {found}, not {right}" for name, (found, right) in facts.items() if found != right
    ]


def unsent(dispute: Dispute) -> list[str]:
    moments = ("opened_signal_sent_at", "closed_signal_sent_at")
    return [name for name in moments if getattr(dispute, name) is None]
