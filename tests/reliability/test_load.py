"""Processes that record, bill and reprice at once: wrong payments, and how fast it goes."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import models

from payments_ui.core.models import LineItem, Payment
from payments_ui.exceptions import PaymentsUIError

from . import naive, processes
from .frame import Trial, scenario
from .support import people, record, wrong
from .without_triggers import without_triggers

PROCESSES = 4
#: Of a hundred turns: items recorded, bills made; the rest changes prices.
RECORDING, BILLING = 50, 40
PRICES = ("9.90", "10.10", "11.00")


def ours(user: User) -> Any:
    return Payment.objects.create_pending(user=user)


def our_reprice(user: User, price: str) -> Any:
    return LineItem.objects.unbound().filter(user=user).update(amount=Decimal(price))


STEPS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "ours": (ours, our_reprice),
    "naive": (naive.create, naive.reprice),
}


def work(users: list[int], seconds: float, seed: int, steps: str) -> dict[str, Any]:
    """What one process does, for so long; runs in a process of its own."""
    create, reprice = STEPS[steps]
    people = list(User.objects.filter(pk__in=users))
    dice = random.Random(seed)  # noqa: S311 - the same each time
    done: Counter[str] = Counter()
    times: list[float] = []
    errors: list[str] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        user, what = dice.choice(people), dice.randrange(100)
        began = time.monotonic()
        try:
            if what < RECORDING:
                record(user)
            elif what < RECORDING + BILLING:
                create(user)
                times.append(time.monotonic() - began)
            else:
                reprice(user, dice.choice(PRICES))
        except PaymentsUIError:
            done["refused"] += 1
        except Exception as error:  # noqa: BLE001 - told
            errors.append(repr(error))
        done["all"] += 1
    return {"done": done, "times": times, "errors": errors}


def load(users: list[User], seconds: float, steps: str) -> tuple[float, list[float], list[str]]:
    """Operations per second of all processes, how long bills took, and what failed."""
    keys = [user.pk for user in users]
    jobs = [(work, (keys, seconds, seed, steps)) for seed in range(PROCESSES)]
    ended = processes.at_once(jobs)
    errors = [one.error for one in ended if one.error]
    results = [one.result for one in ended if one.result]
    errors += [text for result in results for text in result["errors"]]
    times = sorted(one for result in results for one in result["times"])
    return sum(result["done"]["all"] for result in results) / seconds, times, errors


def measure(trial: Trial, users: list[User]) -> float:
    """Work on these users; what was wrong is a violation, what was measured is in the report."""
    seconds = 20 if trial.full else 0.3
    speed, times, errors = load(users, seconds, "ours")
    trial.violations += errors
    trial.violations += [text for user in users for text in wrong(user)]
    trial.tried(Payment.objects.count())
    trial.metric("operations", speed, "per s")
    trial.metric("p50 of a bill", 1000 * times[len(times) // 2], "ms")
    trial.metric("p99 of a bill", 1000 * times[len(times) * 99 // 100], "ms")
    return speed


@scenario(
    5,
    "Mixed load on hot users",
    provoked="4 processes record line items (50 %), make bills (40 %) and change prices (10 %) of "
    "the same 5 users",
    promised="every payment is the sum of its items; no error is left after the retries",
)
def test_hot_users_are_billed_right(trial: Trial) -> None:
    measure(trial, people(5))


@scenario(
    6,
    "Mixed load on many users",
    provoked="the same on 500 users",
    promised="every payment is the sum of its items; no error is left after the retries",
)
def test_many_users_are_billed_right(trial: Trial) -> None:
    measure(trial, people(trial.size(small=50, full=500)))


@scenario(
    7,
    "Canary under load",
    provoked="the load of 5 in the naive order of steps; the triggers disabled",
    promised="payments go wrong: this load bites",
    databases=("postgres", "mariadb"),
)
def test_the_naive_order_of_steps_goes_wrong_under_load(trial: Trial) -> None:
    users = people(5)
    speed, bitten = 0.0, 0
    with without_triggers():
        # On a busy machine it may bite late.
        for _ in range(trial.size(small=40, full=1)):
            speed, _times, _errors = load(users, 10 if trial.full else 0.5, "naive")
            bitten = sum(len(wrong(user)) for user in users)
            if bitten:
                break
        made = models.QuerySet(Payment).count()
    trial.tried(made)
    trial.canary(made, bitten)
    trial.metric("operations of the naive order", speed, "per s")
    trial.check(bitten, f"Nothing of {made} went wrong")
