"""Cards at Stripe under fire: kill -9 at the points of their ways, lost answers, storms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User

from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, Customer, Payment, PaymentMethod
from payments_ui.testing.psp import SandboxPSP, Status

from . import cards, disputes, jobs, processes, site
from .frame import FULL, Trial, database_kind, findings, scenario
from .support import owe, people
from .test_crashes import paid_once, part_given_back

#: How much later things are done again: less than Stripe keeps a key, and more.
LATER = (600, 25 * 3600)
MANY = {"postgres": 120, "mariadb": 80, "sqlite": 40}


def _owing(psp: SandboxPSP, user: User) -> tuple[int]:
    owe(user, "19.99", "10.01")
    return (user.pk,)


def _owing_with_a_card(psp: SandboxPSP, user: User) -> tuple[int]:
    with site.at(psp.url):
        cards.save_a_card(psp.url, user.pk, cards.VISA)
    return _owing(psp, user)


def _everybody(psp: SandboxPSP, user: User) -> tuple[()]:
    for one in (user, *people(1)):
        _owing_with_a_card(psp, one)
    return ()


def _charged(psp: SandboxPSP, user: User) -> tuple[str]:
    with site.at(psp.url), disputes.stripe_site(psp.url):
        return (str(disputes.charged(psp, user).payment_id),)


def one_card_kept(psp: SandboxPSP, user: User) -> list[str]:
    """The user has one card, which is the one that Stripe keeps for their one customer."""
    methods = PaymentMethod.objects.active().filter(user=user)
    ours = list(methods.values_list("method_id", flat=True))
    theirs = cards.kept_for(psp.url, user)
    customers = Customer.objects.filter(user=user).count()
    right = len(ours) == 1 and ours == theirs and customers == 1
    return [] if right else [f"we have {ours} of {customers} customers, Stripe keeps {theirs}"]


def paid(psp: SandboxPSP, user: User) -> list[str]:
    return paid_once(user)


def paid_and_kept(psp: SandboxPSP, user: User) -> list[str]:
    return [*paid_once(user), *one_card_kept(psp, user)]


def given_back(psp: SandboxPSP, user: User) -> list[str]:
    return part_given_back(user)


@dataclass(frozen=True)
class Way:
    """As `test_crashes.Flow`, at Stripe."""

    name: str
    prepare: Callable[[SandboxPSP, User], tuple[Any, ...]]
    job: Callable[..., object]
    reached: tuple[Point, ...]
    outcome: Callable[[SandboxPSP, User], list[str]]
    later: tuple[int, ...] = LATER


_PREPARE = (Point.PREPARE_AFTER_PSP, Point.PREPARE_AFTER_COMMIT)
_CHARGE = (
    *(Point.CHARGE_AFTER_PSP, Point.CHARGE_BEFORE_CALL, *_PREPARE),
    Point.ATTEMPT_AFTER_COMMIT,
)
_SETTLE = (
    *(Point.SETTLE_AFTER_COMMIT, Point.SETTLE_BEFORE_COMMIT),
    Point.ANNOUNCE_AFTER_RECEIVER,
)
_REFUND = (Point.REFUND_AFTER_PSP, Point.REFUND_AFTER_REQUEST, Point.REFUND_BEFORE_COMMIT)
WAYS = [
    Way("a saved card", _owing_with_a_card, cards.pay_with_saved, (*_CHARGE, *_SETTLE), paid),
    Way(
        "paying and saving",
        _owing,
        cards.pay_and_save,
        (*_CHARGE, Point.CUSTOMER_AFTER_PSP, *_SETTLE),
        paid_and_kept,
    ),
    Way("the nightly run", _everybody, cards.charge_everybody, (*_CHARGE, *_SETTLE), paid),
    # Not a day later: refunds are dated by the clock on the wall, so a new one would look old.
    Way("a refund", _charged, cards.refund, _REFUND, given_back, later=LATER[:1]),
]


@pytest.mark.parametrize("way", WAYS if FULL else WAYS[:1], ids=lambda way: way.name)
@scenario(
    13,
    "kill -9 at the points of cards at Stripe",
    provoked="a process that pays by a saved card, pays by one whose bank asks and saves it, or "
    "charges everybody at night, or gives money back, is killed at each point of its way; then the "
    "same is done again, and reconciliation runs, ten minutes later or when the keys are forgotten",
    promised="taken = booked, nothing twice, nothing lost, nothing open; a customer keeps one card",
)
def test_what_a_killed_process_left_at_stripe_is_completed(
    trial: Trial, psp: SandboxPSP, way: Way
) -> None:
    for number, point in enumerate(way.reached if trial.full else way.reached[:1]):
        for later in way.later if trial.full else LATER[number % 2 :][:1]:
            trial.tried()
            (user,) = people(1)
            given = way.prepare(psp, user)
            name = f"{way.name}, killed at {point}, {later} s later"
            ended = processes.run(jobs.run_until, point, 1, psp.url, 0, way.job, *given)
            trial.check(ended.was_killed, f"{name}: it was not killed {ended.error}")
            psp.advance(later)
            again = [(way.job, given), (disputes.reconcile, ())]
            turns = [*again, *again] if trial.trials % 2 else [again[1], *again]
            for job, args in turns:
                rerun = processes.run(jobs.run, psp.url, later, job, *args)
                trial.check(not rerun.error and rerun.code == 0, f"{name}, rerun: {rerun.error}")
            trial.violations += [f"{name}: {text}" for text in wrong(psp, user, way)]


def wrong(psp: SandboxPSP, user: User, way: Way) -> list[str]:
    open_ones = [f"{attempt} is open" for attempt in Attempt.objects.open()]
    silent = Attempt.objects.filter(state=Attempt.State.SETTLED, signal_sent_at=None)
    unsaid = [f"The signal of {attempt} was not sent" for attempt in silent]
    return [*way.outcome(psp, user), *open_ones, *unsaid, *map(str, findings())]


FAULTS = ("lost_reply", "lost_request", "error_after", "error_before", "garbled", "rate_limited")


@scenario(
    12,
    "Storm at Stripe",
    provoked="three processes pay for the same people, by new and by saved cards, while a third of "
    "all calls to Stripe get lost, break or are refused, and a fourth delivers Stripe's events "
    "twice and in any order; then reconciliation runs, and whoever still owes pays again",
    promised="everybody is charged once for what they owed; what Stripe took is what is booked",
)
def test_a_storm_charges_nobody_twice(trial: Trial, psp: SandboxPSP) -> None:
    users = people(trial.size(small=4, full=MANY[database_kind()]))
    everybody = [user.pk for user in users]
    trial.tried(len(users))
    with site.at(psp.url):
        for user in users[::2]:
            cards.save_a_card(psp.url, user.pk, cards.VISA)
    for user in users:
        owe(user, "19.99", "10.01")
    for seed, fault in enumerate(FAULTS):
        psp.plan.sometimes(fault, share=0.06, on="any", seed=seed)
    storm = [(jobs.run, (psp.url, 0, cards.storm, everybody, seed)) for seed in range(3)]
    events = (jobs.run, (psp.url, 0, cards.deliver_everything, trial.size(small=1, full=5)))
    for ended in processes.at_once([*storm, events]):
        trial.check(not ended.error and ended.code == 0, f"a process ended: {ended.error}")
    states = Counter(Attempt.objects.values_list("state", flat=True))
    # Of four people a fault may hit each.
    trial.check(len(states) > 1 or not trial.full, f"That was no storm: {states}")
    psp.plan.clear()
    psp.advance(LATER[0])
    for job, args in (
        (disputes.reconcile, ()),
        (cards.storm, (everybody, 3)),
        (cards.deliver_everything, (1,)),
        (disputes.reconcile, ()),
    ):
        ended = processes.run(jobs.run, psp.url, LATER[0], job, *args)
        trial.check(not ended.error and ended.code == 0, f"afterwards: {ended.error}")
    for user in users:
        trial.violations += [f"{user}: {text}" for text in paid_once(user)]
    trial.check(not site.open_attempts(), f"open: {site.open_attempts()}")
    taken = sum(charge.status == Status.SUCCEEDED for charge in psp.ledger.charges.all())
    charged = Payment.objects.charged().count()
    trial.check(taken == charged == len(users), f"Stripe took {taken} times, {charged} are charged")
