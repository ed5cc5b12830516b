"""A PSP that answers badly, late or not at all; bulk runs over many people who owe."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib.auth.models import User

from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.testing.psp import SandboxPSP

from . import jobs, processes, site
from .frame import Trial, scenario
from .support import people

LATER = 600


def many_who_owe(number: int) -> list[User]:
    users = people(number)
    LineItem.objects.bulk_create(
        LineItem(user=user, title="Use", amount=amount, currency="CHF")
        for user in users
        for amount in ("19.99", "10.01")
    )
    return users


def run(psp: SandboxPSP, *, later: float = 0) -> str:
    """One nightly run in a process of its own; how it failed, if it did."""
    return processes.run(jobs.run, psp.url, later, jobs.charge_everybody).error


def reconcile(psp: SandboxPSP, later: float = LATER) -> None:
    with site.at(psp.url, later):
        jobs.reconcile(psp.url)


def check_each_is_charged_once(trial: Trial, psp: SandboxPSP, users: list[User]) -> None:
    charged = Counter(Payment.objects.charged().values_list("user_id", flat=True))
    for user in users:
        trial.check(charged[user.pk] == 1, f"{user} was charged {charged[user.pk]} times")
    taken = sum(charge.status == "succeeded" for charge in psp.ledger.charges.newest())
    trial.check(taken == len(users), f"The PSP took money {taken} times of {len(users)}")
    trial.check(not site.open_attempts(), f"open: {site.open_attempts()}")


def failed_attempts() -> list[Attempt]:
    return list(Attempt.objects.filter(state=Attempt.State.FAILED))


def pay_all(psp: SandboxPSP, users: list[User]) -> Counter[int]:
    """Everybody pays with a card in the widget; how the site answered."""
    answers: Counter[int] = Counter()
    with site.at(psp.url):
        for user in users:
            browser = site.Browser(user.pk)
            payment = browser.proceed()
            assert payment is not None
            answers[browser.pay(payment).status_code] += 1
    return answers


def pay_again(psp: SandboxPSP, users: list[User]) -> Counter[int]:
    """Everybody comes back and pays, if there is anything to pay."""
    answers: Counter[int] = Counter()
    with site.at(psp.url, LATER):
        for user in users:
            browser = site.Browser(user.pk)
            payment = browser.payment()
            if payment is not None:
                answers[browser.pay(payment).status_code] += 1
    return answers


@scenario(
    15,
    "Reply lost after the charge",
    provoked="the PSP charges, and its answer never arrives; then reconciliation runs",
    promised="settled by the reconciler, no second charge; no customer is told that it failed",
)
def test_a_lost_reply_is_settled_later_and_never_charged_again(
    trial: Trial, psp: SandboxPSP
) -> None:
    users = many_who_owe(trial.size(small=3, full=100))
    trial.tried(len(users))
    psp.plan.add("lost_reply", times=len(users))
    pay_all(psp, users)
    states = Counter(Attempt.objects.values_list("state", flat=True))
    trial.check(states == {"unknown": len(users)}, f"Customers were told {states}")
    again = pay_again(psp, users)
    trial.check(set(again) <= {409}, f"Paying again was answered {again}")
    reconcile(psp)
    check_each_is_charged_once(trial, psp, users)


@scenario(
    16,
    "500 after the charge, 500 before it",
    provoked="the PSP answers 500: one half of the charges is made, the other half is not; then "
    "reconciliation runs, and whoever still owes pays again",
    promised="everybody is charged once",
)
def test_an_error_before_or_after_the_charge_charges_everybody_once(
    trial: Trial, psp: SandboxPSP
) -> None:
    half = trial.size(small=2, full=100)
    users = many_who_owe(2 * half)
    trial.tried(len(users))
    psp.plan.add("error_after", times=half)
    psp.plan.add("error_before", times=half)
    pay_all(psp, users)
    reconcile(psp)
    trial.check(len(failed_attempts()) == half, f"{len(failed_attempts())} failed, not {half}")
    trial.check(len(pay_again(psp, users)) <= 1, "Paying again did not work for all")
    check_each_is_charged_once(trial, psp, users)


@scenario(
    18,
    "Rate limit",
    provoked="the PSP answers half of all calls with 429 during a bulk run",
    promised="all are settled; no attempt fails because of it",
)
def test_no_attempt_fails_by_a_rate_limit(trial: Trial, psp: SandboxPSP) -> None:
    users = many_who_owe(trial.size(small=6, full=100))
    trial.tried(len(users))
    psp.plan.sometimes("rate_limited", share=0.5, on="create", seed=1)
    trial.check(not (error := run(psp)), error)
    trial.check(not failed_attempts(), f"failed: {failed_attempts()}")
    psp.plan.clear()
    reconcile(psp)
    trial.check(not (error := run(psp, later=LATER)), error)
    check_each_is_charged_once(trial, psp, users)


@scenario(
    19,
    "PSP outage",
    provoked="the PSP answers nothing but 503 for ten minutes, during a bulk run",
    promised="the run stops after five in a row and releases nothing; after the outage, "
    "reconciliation and the same run finish",
)
def test_an_outage_stops_the_run_and_the_next_one_finishes(trial: Trial, psp: SandboxPSP) -> None:
    users = many_who_owe(trial.size(small=8, full=200))
    trial.tried(len(users))
    psp.plan.outage(600)
    trial.check("does not answer" in run(psp), "The run did not stop")
    asked = Attempt.objects.count()
    trial.check(asked == 5, f"{asked} attempts before the run stopped")
    pending = Payment.objects.pending().count()
    trial.check(pending == 5, f"{pending} payments stand, of 5 that were asked for")
    psp.advance(601)
    reconcile(psp)
    trial.check(not (error := run(psp, later=LATER)), error)
    check_each_is_charged_once(trial, psp, users)


@scenario(
    9,
    "Bulk run, killed and resumed",
    provoked="a run over a thousand users by saved cards is killed (SIGKILL) now and then, and "
    "started again",
    promised="everybody is charged once; as many charges at the PSP as payments",
)
def test_a_killed_bulk_run_goes_on_where_it_stood(trial: Trial, psp: SandboxPSP) -> None:
    users = many_who_owe(trial.size(small=5, full=1_000))
    trial.tried(len(users))
    every = trial.size(small=2, full=125)
    killed = 0
    while processes.run(jobs.charge_everybody_until_killed, every, psp.url).was_killed:
        killed += 1
    trial.check(killed >= len(users) // every - 1, f"killed only {killed} times")
    reconcile(psp)
    trial.check(not (error := run(psp, later=LATER)), error)
    check_each_is_charged_once(trial, psp, users)
    trial.metric("killed", killed, "times")


@scenario(
    10,
    "Two and four bulk runs at once",
    provoked="the same run is started in two, then in four processes at once",
    promised="nobody is charged twice, nothing is sent twice",
)
def test_runs_at_once_send_nothing_twice(trial: Trial, psp: SandboxPSP) -> None:
    everybody: list[User] = []
    for runs in (2, 4):
        users = many_who_owe(trial.size(small=4, full=500))
        trial.tried(len(users))
        everybody += users
        job: Any = (jobs.run, (psp.url, 0, jobs.charge_everybody))
        for ended in processes.at_once([job] * runs):
            trial.check(not ended.error, ended.error)
        trial.check(not (error := run(psp)), error)
    check_each_is_charged_once(trial, psp, everybody)
    sent = len(psp.ledger.charges.newest())
    trial.check(sent == len(everybody), f"{sent} orders were sent for {len(everybody)} payments")
