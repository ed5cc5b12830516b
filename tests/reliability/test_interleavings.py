"""Two flows that meet in every possible way, and tabs whose steps come in every order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.models import User

from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.flows import checkout
from payments_ui.testing.psp import SandboxPSP

from . import jobs, site
from .frame import FULL, Trial, findings, scenario
from .schedule import Schedule, every, play
from .support import owe, people

Meeting = tuple[Callable[[], Any], Callable[[], Any]]
OWED = 5

CREATE = (Point.CREATE_BEFORE_BIND, Point.CREATE_AFTER_BIND, Point.CREATE_BEFORE_COMMIT)
SETTLE = (Point.SETTLE_BEFORE_COMMIT, Point.SETTLE_AFTER_COMMIT, Point.ANNOUNCE_AFTER_RECEIVER)
CHARGE = (Point.ATTEMPT_AFTER_COMMIT, Point.CHARGE_BEFORE_CALL, Point.CHARGE_AFTER_PSP)
PAY = (*CHARGE, *SETTLE)
CANCEL = (Point.CANCEL_BEFORE_COMMIT,)
CANCEL_AT_PSP = (Point.CANCEL_AFTER_PSP, Point.CANCEL_BEFORE_COMMIT)
REFUND = (Point.REFUND_AFTER_REQUEST, Point.REFUND_AFTER_PSP, Point.REFUND_BEFORE_COMMIT)
UNDO = (Point.UNDO_BEFORE_COMMIT,)
TAKE_IN = (Point.CANCEL_BEFORE_COMMIT, *CREATE)


@dataclass(frozen=True)
class Pair:
    """Two flows, the points of each, and how to set the scene for a user.

    ``dangerous`` is the schedule of the small run.
    """

    name: str
    set_up: Callable[[User], Meeting]
    first: tuple[Point, ...]
    second: tuple[Point, ...]
    dangerous: Schedule


def _pending(user: User) -> Payment:
    owe(user, *["1.00"] * OWED)
    payment = Payment.objects.create_pending(user=user)
    assert payment is not None
    return payment


def _at_the_bank(user: User) -> tuple[Payment, Attempt]:
    payment = _pending(user)
    site.Browser(user.pk).pay(payment, card="card_3ds")
    return payment, payment.attempts.get()


def pay(payment: Payment) -> Callable[[], Any]:
    return lambda: site.Browser(payment.user_id).pay(payment).status_code


def cancel(payment: Payment) -> Callable[[], Any]:
    return lambda: site.Browser(payment.user_id).cancel(payment).status_code


def take_in(payment: Payment) -> Callable[[], Any]:
    return lambda: checkout.add_new_charges(Payment.objects.get(pk=payment.pk)).pk


def pay_twice(user: User) -> Meeting:
    payment = _pending(user)
    return pay(payment), pay(payment)


def pay_and_cancel(user: User) -> Meeting:
    payment = _pending(user)
    return pay(payment), cancel(payment)


def settle_and_cancel(user: User) -> Meeting:
    payment, attempt = _at_the_bank(user)
    back = site.approve(attempt.action_url)
    return lambda: site.Browser(user.pk).come_back(back).status_code, cancel(payment)


def pay_and_take_in(user: User) -> Meeting:
    payment = _pending(user)
    owe(user, "1.00")
    return pay(payment), take_in(payment)


def cancel_and_take_in(user: User) -> Meeting:
    payment = _pending(user)
    owe(user, "1.00")
    return cancel(payment), take_in(payment)


def refund_twice(user: User) -> Meeting:
    payment = _charged(user)
    return refund(payment), refund(payment)


def refund_and_undo(user: User) -> Meeting:
    payment = _charged(user)
    return refund(payment), undo(payment)


def _charged(user: User) -> Payment:
    payment = _pending(user)
    site.Browser(user.pk).pay(payment)
    return payment


def refund(payment: Payment) -> Callable[[], Any]:
    return lambda: Payment.objects.get(pk=payment.pk).refund(reason="broken").state


def undo(payment: Payment) -> Callable[[], Any]:
    return lambda: Payment.objects.get(pk=payment.pk).undo(reason="by mistake", force=True)


def _meeting(first: Point | None, second: Point | None = None) -> Schedule:
    return Schedule(first, second, second_goes_on_first=False)


PAIRS = [
    Pair("pay / cancel", pay_and_cancel, PAY, CANCEL, _meeting(Point.CHARGE_AFTER_PSP)),
    Pair("pay / pay", pay_twice, PAY, PAY, _meeting(Point.CHARGE_AFTER_PSP)),
    Pair(
        "settle / cancel",
        settle_and_cancel,
        SETTLE,
        CANCEL_AT_PSP,
        _meeting(Point.SETTLE_AFTER_COMMIT),
    ),
    Pair("pay / take in", pay_and_take_in, PAY, TAKE_IN, _meeting(Point.ATTEMPT_AFTER_COMMIT)),
    Pair("cancel / take in", cancel_and_take_in, CANCEL, TAKE_IN, _meeting(None)),
    Pair("refund / refund", refund_twice, REFUND, REFUND, _meeting(Point.REFUND_AFTER_REQUEST)),
    Pair("refund / undo", refund_and_undo, REFUND, UNDO, _meeting(Point.REFUND_AFTER_PSP)),
]


@pytest.mark.parametrize("pair", PAIRS if FULL else PAIRS[:3], ids=lambda pair: pair.name)
@scenario(
    27,
    "Cancel while charging",
    provoked="two flows (pay, pay again, cancel, take in, settle, refund, undo) are stopped at "
    "every pair of their points, and go on in either order",
    promised="charged once and not cancelled, or cancelled and not charged; every line item is "
    "charged, pending or back in the list, once",
)
def test_two_flows_may_meet_anywhere(trial: Trial, psp: SandboxPSP, pair: Pair) -> None:
    schedules = list(every(pair.first, pair.second)) if trial.full else [pair.dangerous]
    with site.at(psp.url):
        for schedule, user in zip(schedules, people(len(schedules)), strict=True):
            trial.tried()
            results = play(schedule, *pair.set_up(user))
            name = f"{pair.name} at {schedule}: {results}"
            crashed = [one for one in results if isinstance(one, AssertionError) or one == 500]
            trial.check(not crashed, name)
            trial.violations += [f"{name}: {text}" for text in wrong(user, psp)]


def wrong(user: User, psp: SandboxPSP) -> list[str]:
    """What is wrong with the money of somebody who owed once."""
    everything = Payment.all_objects.filter(user=user)
    charged = everything.charged().count()
    items = LineItem.objects.filter(user=user)
    homeless = items.filter(payment__cancelled_at__isnull=False).count()
    taken = _taken(user, psp)
    # Undone, it was charged all the same: the money is given back, or looked at by a person.
    arrived = everything.filter(charged_at__isnull=False) | everything.filter(
        undone_at__isnull=False
    )
    booked = sum(payment.amount_cents for payment in arrived)
    still_open = Attempt.objects.open().filter(payment__user=user)
    found = {
        f"{charged} payments are charged": charged > 1,
        f"{homeless} items are in a cancelled payment": homeless,
        f"the PSP took {taken}, we booked {booked}": taken != booked,
        f"{still_open} open": still_open.exists(),
    }
    audited = [str(one) for one in findings()]
    return [text for text, is_wrong in found.items() if is_wrong] + audited


def _taken(user: User, psp: SandboxPSP) -> int:
    keys = Attempt.objects.filter(payment__user=user).values_list("idempotency_key", flat=True)
    charges = [charge for key in keys for charge in psp.ledger.charges.by_reference(key)]
    return sum(charge.amount for charge in charges if charge.status == "succeeded")


class Tab:
    """One tab of somebody who pays in another one, too; each step may find the way closed."""

    def __init__(self, payment: Payment) -> None:
        self.payment = payment
        self.browser = site.Browser(payment.user_id)
        self.back = ""

    def card(self) -> None:
        self.browser.pay(self.payment, card="card_3ds")

    def other_way(self) -> None:
        """Choose another way to pay: what is under way is called off first."""
        self.browser.post("attempt_cancellation", pk=self.payment.pk)
        self.browser.pay(self.payment, moocher="sandbox-page")

    def decide(self, moocher: str) -> None:
        """Say yes at the PSP, whatever became of it here."""
        asked = self.payment.attempts.filter(moocher=moocher).exclude(action_url="").first()
        if asked is not None:
            self.back = site.approve(asked.action_url)

    def come_back(self) -> None:
        if self.back:
            self.browser.come_back(self.back)


@scenario(
    28,
    "Two tabs, two methods",
    provoked="a card with a step at the bank in one tab, the PSP's page in the other; the steps of "
    "both in every order",
    promised="at most one is charged; the other is cancelled at the PSP, or kept as surplus",
)
def test_two_tabs_charge_once(trial: Trial, psp: SandboxPSP) -> None:
    orders = sorted(set(permutations("aaabbb")))
    chosen = orders if trial.full else [tuple("aabbab")]
    with site.at(psp.url):
        users = people(len(chosen))
        for order, user in zip(chosen, users, strict=True):
            trial.tried()
            payment = _pending(user)
            steps = {"a": iter(_card(payment)), "b": iter(_other_way(payment))}
            for turn in order:
                next(steps[turn])()
    with site.at(psp.url, 600):
        jobs.reconcile(psp.url)
    for order, user in zip(chosen, users, strict=True):
        trial.violations += [f"{''.join(order)}: {text}" for text in wrong(user, psp)]


def _card(payment: Payment) -> list[Callable[[], None]]:
    tab = Tab(payment)
    return [tab.card, lambda: tab.decide("sandbox"), tab.come_back]


def _other_way(payment: Payment) -> list[Callable[[], None]]:
    tab = Tab(payment)
    return [tab.other_way, lambda: tab.decide("sandbox-page"), tab.come_back]
