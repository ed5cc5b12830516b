"""Locks that are taken in opposite orders, since a host's own code may do so."""

from __future__ import annotations

import threading
import time
from typing import Any
from unittest import mock

from django.contrib.auth.models import User
from django.db import connection, models, transaction

from payments_ui.core.db import locks
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import LineItem
from payments_ui.testing.failpoints import at

from . import site
from .frame import Trial, scenario
from .support import owe, payments_of, people
from .threads import threads


@scenario(
    21,
    "Deadlock pair",
    provoked="a bill binds line items in one order while a transaction of the host's own locks "
    "them in the other: the database ends one of the two",
    promised="the bill is made all the same; the customer sees it",
    databases=("postgres", "mariadb"),
)
def test_a_deadlock_is_tried_again(trial: Trial) -> None:
    seen: list[Any] = []
    is_conflict = locks._is_conflict

    def counted(error: Any) -> bool:
        seen.append(error)
        return is_conflict(error)

    with mock.patch.object(locks, "_is_conflict", counted), threads(2) as pool:
        for user in people(10):
            if seen and not trial.full:
                # On a busy machine the two may miss each other at first.
                break
            trial.tried()
            owe(user, "10.00", "20.00")
            locked, binding = threading.Event(), threading.Event()
            with at(Point.CREATE_BEFORE_BIND, binding.set):
                jobs = [_bill(user, locked), _host(user, locked, binding)]
                answer, _host_saw = pool.at_once(jobs)
            amounts = [payment.amount for payment in payments_of(user)]
            trial.check(answer == 303 and amounts == [30], f"answered {answer}, billed {amounts}")
    trial.metric("deadlocks", len(seen))
    trial.check(seen, "There was no deadlock, so nothing is proven")


def _bill(user: User, locked: threading.Event) -> Any:
    def bill() -> Any:
        browser = site.Browser(user.pk)
        locked.wait(10)
        return browser.post("payments").status_code

    return bill


def _host(user: User, locked: threading.Event, binding: threading.Event) -> Any:
    first, last = LineItem.objects.filter(user=user).order_by("pk")
    (other,) = people(1)
    # MariaDB ends whoever has written less.
    owe(other, *["1.00"] * 50)

    def host() -> None:
        with transaction.atomic():
            _be_patient()
            models.QuerySet(LineItem).filter(user=other).update(title="Changed")
            models.QuerySet(LineItem).filter(pk=last.pk).update(title="Changed")
            locked.set()
            binding.wait(0.3)
            # By now it has the first line item, or will have in a moment, and waits for the last.
            time.sleep(0.2)
            models.QuerySet(LineItem).filter(pk=first.pk).update(title="Changed")

    return host


def _be_patient() -> None:
    """Let the other one find the deadlock: whoever finds it is ended by PostgreSQL."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '10s'")
