"""Everything at once on a few users: how many operations a second, and how many wrong payments.

Processes record line items, make payments and change prices for the same users, as fast as they
can. The ancestor sums what it reads and binds what it finds later; what is wrong then is counted.
"""

from __future__ import annotations

import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

import user_payments.models as ancestor
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections
from django.db.models import Count, F, Q, Sum

from bench import data
from bench.results import Number
from bench.sizes import Size
from payments_ui.core.audit import audit
from payments_ui.core.models import LineItem, Payment
from payments_ui.exceptions import LineItemBoundError

PROCESSES, USERS = 4, 5
#: Seconds that a side works at a time, and how often the sides take turns.
SECONDS, REPEATS = 3.0, 3
QUICK_SECONDS, QUICK_REPEATS = 0.3, 1
#: Out of a hundred operations; what is left changes prices.
RECORDS, PAYMENTS = 50, 40

#: The ancestor's operations a second are at most so many times ours.
BESIDE_ANCESTOR = 1.0


class Side(Protocol):
    """Who keeps the books."""

    def record(self, user: User) -> object:
        """Add a line item."""

    def create_pending(self, user: User) -> object:
        """Make a payment of all that is unbound."""

    def reprice(self, user: User) -> object:
        """Change the price of what is unbound."""

    def wrong(self) -> int:
        """Payments that are not the sum of their line items, or have none."""


class Kit:
    def record(self, user: User) -> object:
        return LineItem.objects.record(user=user, title="Use", amount="1.05", currency="CHF")

    def create_pending(self, user: User) -> object:
        return Payment.objects.create_pending(user=user)

    def reprice(self, user: User) -> object:
        try:
            return LineItem.objects.filter(user=user).unbound().update(amount=_price())
        except LineItemBoundError:
            return None

    def wrong(self) -> int:
        return len({found.id for found in audit()})


class Ancestor:
    def record(self, user: User) -> object:
        return ancestor.LineItem.objects.create(user=user, title="Use", amount=Decimal("1.05"))

    def create_pending(self, user: User) -> object:
        return ancestor.Payment.objects.create_pending(user=user)

    def reprice(self, user: User) -> object:
        return ancestor.LineItem.objects.unbound().filter(user=user).update(amount=_price())

    def wrong(self) -> int:
        summed = ancestor.Payment.objects.annotate(
            items=Count("lineitems"), total=Sum("lineitems__amount")
        )
        return int(summed.filter(Q(items=0) | ~Q(total=F("amount"))).count())


class Rate(NamedTuple):
    """Operations a second, and operations that a deadlock has ended."""

    done: float
    lost: int


@dataclass(frozen=True)
class Load:
    """One side at work on its users."""

    side: Side
    users: Sequence[User]
    seconds: float

    def run(self) -> Rate:
        """What all processes together get done."""
        # What is forked must not share a connection.
        connections.close_all()
        context = multiprocessing.get_context("fork")
        results: Any = context.SimpleQueue()
        workers = [
            context.Process(target=self._work, args=(seed, results)) for seed in range(PROCESSES)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0, "an operation failed"
        done, lost = map(sum, zip(*(results.get() for _ in workers), strict=True))
        return Rate(done / self.seconds, lost)

    def _work(self, seed: int, results: Any) -> None:
        chance = random.Random(seed)  # noqa: S311 - no secret
        connection.ensure_connection()
        done, lost, end = 0, 0, time.monotonic() + self.seconds
        while time.monotonic() < end:
            try:
                self._operation(chance.randrange(100))(chance.choice(self.users))
                done += 1
            except OperationalError:
                lost += 1
        connections.close_all()
        results.put((done, lost))

    def _operation(self, number: int) -> Callable[[User], object]:
        if number < RECORDS:
            return self.side.record
        return self.side.create_pending if number < RECORDS + PAYMENTS else self.side.reprice


def rows(size: Size) -> Iterator[Number]:
    """The rows about a mixed load; none on SQLite and MariaDB, where locks decide."""
    if connection.vendor != "postgresql":
        return
    seconds, repeats = (SECONDS, REPEATS) if size.is_timed else (QUICK_SECONDS, QUICK_REPEATS)
    users = [data.user_with(0) for _ in range(USERS)]
    sides: tuple[Side, Side] = (Kit(), Ancestor())
    turns = [[Load(side, users, seconds).run() for side in sides] for _ in range(repeats)]
    ours, others = zip(*turns, strict=True)
    ratio = statistics.median(other.done / mine.done for mine, other in turns)
    title = f"mixed load, {PROCESSES} processes on {USERS} users"
    yield Number(
        key="mixed-speed",
        title=f"{title}: the ancestor's operations beside ours",
        value=round(ratio, 2),
        limit=BESIDE_ANCESTOR if size.is_timed else float("inf"),
        beside=f"{_speed(ours)}, the ancestor {_speed(others)}",
    )
    lost, wrong = (_lost(ours), _lost(others)), [side.wrong() for side in sides]
    for key, what, (mine, other) in (
        ("mixed-lost", "operations lost", lost),
        ("mixed-wrong", "wrong payments", wrong),
    ):
        yield Number(
            key=key, title=f"{title}: {what}", value=mine, limit=0, beside=f"the ancestor {other}"
        )


def _speed(rates: Sequence[Rate]) -> str:
    return f"{statistics.median(rate.done for rate in rates):,.0f}/s"


def _lost(rates: Sequence[Rate]) -> int:
    return sum(rate.lost for rate in rates)


def _price() -> Decimal:
    return Decimal(random.randrange(1, 500)) / 100  # noqa: S311 - no secret
