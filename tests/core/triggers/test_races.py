"""Two sessions at once cannot do together what the database lets neither do alone."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from payments_ui.core import triggers
from payments_ui.core.models import LineItem, Payment, Refund
from tests.core.support import bare, charged, errors, pending, record, started, together
from tests.core.triggers.catalogue import copy_of
from tests.core.triggers.support import attempt_of, draft, seal, write

pytestmark = pytest.mark.django_db(transaction=True)
TRIALS = 100 if "TORTURE" in os.environ else 4

#: Makes books that are right; returns what two sessions do at once, and whether it went wrong.
Race = Callable[[User], tuple[list[Callable[[], Any]], Callable[[], bool]]]


def sealing_and_binding(user: User) -> Any:
    payment = draft(user, "5")
    (late,) = record(user, "7")
    return [sealing(payment), lambda: write(late, payment=payment)], lambda: is_wrong(payment)


def sealing_and_inserting(user: User) -> Any:
    payment = draft(user, "5")
    late = LineItem(user=user, title="Late", amount=Decimal(7), currency="CHF", payment=payment)
    inserting = lambda: bare(LineItem).bulk_create([late])  # noqa: E731
    return [sealing(payment), inserting], lambda: is_wrong(payment)


def sealing_and_releasing(user: User) -> Any:
    payment = draft(user, "5", "7")
    first = payment.lineitems.all()[0]
    return [sealing(payment), lambda: write(first, payment=None)], lambda: is_wrong(payment)


def cancelling_and_starting(user: User) -> Any:
    payment = pending(user, "5")
    attempt = started(payment)
    write(attempt, state="failed")

    def went_wrong() -> bool:
        payment.refresh_from_db()
        return bool(payment.cancelled_at and payment.open_attempt)

    cancelling = lambda: write(payment, cancelled_at=timezone.now())  # noqa: E731
    return [cancelling, lambda: copy_of(attempt, idempotency_key=str(payment.pk))], went_wrong


def refunding_twice_what_is_reserved_once(user: User) -> Any:
    attempt = attempt_of(charged(user, "5"))
    write(attempt, refunded_amount=5)

    def refunding(name: str) -> Callable[[], Any]:
        return lambda: bare(Refund).bulk_create(
            [
                Refund(
                    attempt=attempt,
                    payment=attempt.payment,
                    amount=Decimal(5),
                    currency="CHF",
                    state="succeeded",
                    idempotency_key=f"{attempt.pk}"[:30] + name,
                )
            ]
        )

    return [refunding("a"), refunding("b")], lambda: attempt.refunds.count() > 1


def sealing(payment: Payment) -> Callable[[], None]:
    total = payment.lineitems.aggregate(total=Sum("amount"))["total"]
    return lambda: seal(payment, str(total))


def is_wrong(payment: Payment) -> bool:
    payment.refresh_from_db()
    total = payment.lineitems.aggregate(total=Sum("amount"))["total"]
    return bool(payment.sealed_at) and payment.amount != total


def wrong_trials(race: Race, user: User) -> int:
    """In how many trials the books were wrong at the end."""
    return sum(_goes_wrong(race, user) for _trial in range(TRIALS))


def _goes_wrong(race: Race, user: User) -> bool:
    sides, went_wrong = race(user)
    ready = threading.Barrier(len(sides))

    def act(number: int) -> None:
        with transaction.atomic():
            ready.wait(timeout=30)
            sides[number]()
            # What the other side does meanwhile is not committed either.
            time.sleep(random.uniform(0, 0.02))  # noqa: S311 - jitter

    results = together(len(sides), act)
    assert len(errors(results)) < len(sides)
    wrong = went_wrong()
    LineItem.objects.filter(payment=None).delete()
    return wrong


RACES = [
    sealing_and_binding,
    sealing_and_inserting,
    sealing_and_releasing,
    cancelling_and_starting,
    refunding_twice_what_is_reserved_once,
]


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
@pytest.mark.parametrize("guarded", [True, False], ids=["triggers", "canary"])
def test_triggers_hold_in_a_race(race: Race, guarded: bool, user: User) -> None:
    with nullcontext() if guarded else triggers.disabled():
        wrong = wrong_trials(race, user)
    # Without triggers all of them go wrong, or nothing would be proven.
    assert wrong == (0 if guarded else TRIALS)
