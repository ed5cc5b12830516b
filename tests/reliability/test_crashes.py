"""kill -9 at every named point of every flow that moves money, and what a plain rerun makes of it.

The process that dies is a real one. "One plain rerun" is what happens anyway: the person or the
program does the same again, and the cron job of reconciliation runs; in either order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Sum

from payments_ui.core.attempts.outcomes import Pending
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, LineItem, Payment, Refund
from payments_ui.testing.psp import SandboxPSP
from tests.importing.ancestor import installed

from . import jobs, processes, site
from .frame import FULL, Trial, findings, scenario
from .support import owe, people

OWED = ("19.99", "10.01")


# Where test_saved_methods kills.
OF_SAVED_METHODS = {
    *(Point.PREPARE_AFTER_PSP, Point.PREPARE_AFTER_COMMIT, Point.CUSTOMER_AFTER_PSP),
    *(Point.SAVE_AFTER_COMMIT, Point.SAVE_AFTER_PSP, Point.FORGET_AFTER_PSP),
}
#: Killed in test_disputes.
OF_DISPUTES = {
    *(Point.DISPUTE_BEFORE_COMMIT, Point.REFUND_REPORTED_BEFORE_COMMIT),
    Point.REOPEN_BEFORE_COMMIT,
}


@dataclass(frozen=True)
class Flow:
    """``prepare`` makes what the job needs and returns its arguments.

    ``reached``: the failpoints the job hits, the most dangerous first. ``outcome`` says what is
    wrong with the user's money when all is done. ``ahead``: how many seconds later it is done.
    """

    name: str
    prepare: Callable[[SandboxPSP, User], tuple[Any, ...]]
    job: Callable[..., object]
    reached: tuple[Point, ...]
    outcome: Callable[[User], list[str]]
    ahead: float = 0


def paid_once(user: User) -> list[str]:
    """Everything that was owed is charged, in one payment each, and nothing is left open."""
    charged = Payment.objects.filter(user=user).charged()
    items = LineItem.objects.filter(user=user)
    owed = sum(items.values_list("amount", flat=True), Decimal(0))
    paid = charged.aggregate(total=Sum("amount"))["total"] or Decimal(0)
    left = items.unpaid().count()
    return _unless(paid == owed and not left, f"{owed} owed, {paid} charged, {left} unpaid")


def back_in_the_list(user: User) -> list[str]:
    """Nothing is charged, nothing is pending, and every line item is unbound."""
    items = LineItem.objects.filter(user=user)
    bound = items.filter(payment__isnull=False).count()
    payments = Payment.objects.filter(user=user)
    stands = payments.pending().count() + payments.charged().count()
    text = f"{bound} items are bound, {stands} payments stand"
    return _unless(items.count() == len(OWED) and not bound and not stands, text)


def one_pending_with_all(user: User) -> list[str]:
    pending = Payment.objects.pending().filter(user=user)
    amounts = [payment.amount for payment in pending]
    return _unless(amounts == [Decimal(31)], f"pending are {amounts}")


def part_given_back(user: User) -> list[str]:
    (payment,) = Payment.objects.charged().filter(user=user)
    refunds = Refund.objects.filter(payment=payment).reserving()
    given = [(refund.state, refund.amount) for refund in refunds]
    kept = given == [("succeeded", Decimal(10))] and payment.refunded_amount == Decimal(10)
    return _unless(kept, f"given back: {given}, reserved {payment.refunded_amount}")


def _unless(kept: bool, text: str) -> list[str]:
    return [] if kept else [text]


def _owing(psp: SandboxPSP, user: User) -> tuple[int]:
    owe(user, *OWED)
    return (user.pk,)


def _owing_nothing_in_sum(psp: SandboxPSP, user: User) -> tuple[int]:
    owe(user, "7.50", "-7.50")
    return (user.pk,)


def _billed(user: User) -> Payment:
    owe(user, *OWED)
    payment = Payment.objects.create_pending(user=user)
    assert payment is not None
    return payment


def _at_the_bank(psp: SandboxPSP, user: User) -> Attempt:
    payment = _billed(user)
    with site.at(psp.url):
        site.Browser(user.pk).pay(payment, card="card_3ds")
    attempt: Attempt = payment.attempts.get()
    assert attempt.state == Attempt.State.REQUIRES_ACTION
    return attempt


def _reported(psp: SandboxPSP, user: User) -> tuple[str, ...]:
    attempt = _at_the_bank(psp, user)
    site.approve(attempt.action_url)
    (charge,) = psp.ledger.charges.by_reference(attempt.idempotency_key)
    return tuple(delivery["body"] for delivery in psp.outbox.deliveries(charge.id))


def _cancellable(psp: SandboxPSP, user: User) -> tuple[str]:
    return (str(_at_the_bank(psp, user).payment_id),)


def _booked_by_hand(psp: SandboxPSP, user: User) -> tuple[str]:
    payment = _billed(user)
    payment.book_by_hand(by="clerk", reason="seen on the statement")
    return (str(payment.pk),)


def _awaiting_a_transfer(psp: SandboxPSP, user: User) -> tuple[str]:
    attempt = _billed(user).start_attempt(moocher="transfer", manual=True)
    attempt.record(Pending(psp_reference=f"RF-{attempt.reference}"))
    return (f"RF-{attempt.reference}",)


def _billed_and_more(psp: SandboxPSP, user: User) -> tuple[str]:
    payment = _billed(user)
    owe(user, "1.00")
    return (str(payment.pk),)


def _everybody(psp: SandboxPSP, user: User) -> tuple[()]:
    owe(user, *OWED)
    for other in people(2):
        owe(other, *OWED)
    return ()


def _unanswered(psp: SandboxPSP, user: User) -> tuple[()]:
    payment = _billed(user)
    psp.plan.add("lost_reply")
    with site.at(psp.url):
        site.Browser(user.pk).pay(payment)
    return ()


def _charged(psp: SandboxPSP, user: User) -> tuple[str, str]:
    payment = _billed(user)
    with site.at(psp.url):
        site.Browser(user.pk).pay(payment)
    return str(payment.pk), "10.00"


def _abandoned(psp: SandboxPSP, user: User) -> tuple[()]:
    _at_the_bank(psp, user)
    return ()


_CREATE = (Point.CREATE_AFTER_BIND, Point.CREATE_BEFORE_BIND, Point.CREATE_BEFORE_COMMIT)
_CHARGE = (Point.CHARGE_AFTER_PSP, Point.ATTEMPT_AFTER_COMMIT, Point.CHARGE_BEFORE_CALL)
_SETTLE = (
    *(Point.SETTLE_AFTER_COMMIT, Point.SETTLE_BEFORE_COMMIT),
    Point.ANNOUNCE_AFTER_RECEIVER,
)
_CANCEL = (
    *(Point.CANCEL_AFTER_PSP, Point.CANCEL_BEFORE_COMMIT),
    Point.ANNOUNCE_AFTER_RECEIVER,
)
_REFUND = (
    *(Point.REFUND_AFTER_PSP, Point.REFUND_AFTER_REQUEST, Point.REFUND_BEFORE_COMMIT),
    Point.ANNOUNCE_AFTER_RECEIVER,
)
_ZERO = (*_SETTLE, Point.ATTEMPT_AFTER_COMMIT, *_CREATE)
_TAKE_IN = (*_CREATE, Point.CANCEL_BEFORE_COMMIT, Point.ANNOUNCE_AFTER_RECEIVER)
_BULK = (*_CHARGE, Point.BULK_BETWEEN_USERS, *_SETTLE, *_CREATE)
_ASK = (Point.RECONCILE_AFTER_QUERY, *_SETTLE)
_WEBHOOK = (*_SETTLE, Point.WEBHOOK_AFTER_STORE)
_EXPIRE = (*_CANCEL, Point.EXPIRE_BETWEEN_PAYMENTS)
_WAY_BACK = (*_SETTLE, *_CHARGE, *_CREATE)
_PARTS = (Point.PART_BEFORE_COMMIT, *_SETTLE)
_UNDO = (Point.UNDO_BEFORE_COMMIT, Point.ANNOUNCE_AFTER_RECEIVER)
FLOWS = [
    Flow("card", _owing, jobs.pay_by_card, (*_CHARGE, *_SETTLE, *_CREATE), paid_once),
    Flow("refund", _charged, jobs.refund, _REFUND, part_given_back),
    Flow("bulk run", _everybody, jobs.charge_everybody, _BULK, paid_once),
    Flow("reconciling", _unanswered, jobs.reconcile, _ASK, paid_once, ahead=600),
    Flow("bank's step", _owing, jobs.pay_with_a_step_at_the_bank, _WAY_BACK, paid_once),
    Flow("webhook", _reported, jobs.deliver, _WEBHOOK, paid_once),
    Flow("nothing to pay", _owing_nothing_in_sum, jobs.pay_by_card, _ZERO, paid_once),
    Flow("cancelling", _cancellable, jobs.cancel, _CANCEL, back_in_the_list),
    Flow("undoing", _booked_by_hand, jobs.undo, _UNDO, back_in_the_list),
    Flow("transfer in parts", _awaiting_a_transfer, jobs.read_statement, _PARTS, paid_once),
    Flow("taking in", _billed_and_more, jobs.add_new_charges, _TAKE_IN, one_pending_with_all),
    Flow("expiring", _abandoned, jobs.expire, _EXPIRE, back_in_the_list, ahead=60 * site.DAY),
]


def killed_and_rerun(
    trial: Trial, psp: SandboxPSP, flow: Flow, point: Point, hit: int, *, later: float = 600
) -> None:
    """One trial: the process dies there; time passes; the same again, and reconciliation."""
    name = f"{flow.name}, killed at {point}, time {hit}"
    (user,) = people(1)
    given = flow.prepare(psp, user)
    ended = processes.run(jobs.run_until, point, hit, psp.url, flow.ahead, flow.job, *given)
    trial.check(ended.was_killed, f"{name}: it was not killed {ended.error}")
    psp.advance(later)
    later += flow.ahead
    again = [
        (jobs.run, (psp.url, later, flow.job, *given)),
        (jobs.run, (psp.url, later, jobs.reconcile)),
    ]
    # Whichever comes first in real life, and whatever it makes of it, the end is the same.
    turns = [*again, *again[:1]] if trial.trials % 2 else [again[1], *again]
    for job, args in turns:
        rerun = processes.run(job, *args)
        trial.check(not rerun.error and rerun.code == 0, f"{name}, rerun: {rerun.error}")
    trial.violations += [f"{name}: {text}" for text in wrong(psp, user, flow)]


def wrong(psp: SandboxPSP, user: User, flow: Flow) -> list[str]:
    open_ones = [f"{attempt} is open" for attempt in Attempt.objects.open()]
    silent = Attempt.objects.filter(state=Attempt.State.SETTLED, signal_sent_at=None)
    untold = Refund.objects.filter(state=Refund.State.SUCCEEDED, signal_sent_at=None)
    due = Payment.all_objects.exclude(signal_due_at=None)
    unsaid = [f"The signal of {row} was not sent" for row in (*silent, *untold, *due)]
    found = [str(finding) for finding in findings()]
    return [*flow.outcome(user), *open_ones, *unsaid, *found, *_taken_is_booked(psp, user)]


def _taken_is_booked(psp: SandboxPSP, user: User) -> list[str]:
    """What the PSP took for this user, against what is charged."""
    keys = Attempt.objects.filter(payment__user=user).values_list("idempotency_key", flat=True)
    charges = [charge for key in keys for charge in psp.ledger.charges.by_reference(key)]
    taken = sum(charge.amount for charge in charges if charge.status == "succeeded")
    asked = Payment.objects.filter(user=user, payment_service_provider="sandbox").charged()
    booked = sum(payment.amount_cents for payment in asked)
    return _unless(taken == booked, f"The PSP took {taken}, we booked {booked}")


@pytest.mark.parametrize("flow", FLOWS if FULL else FLOWS[:4], ids=lambda flow: flow.name)
@scenario(
    13,
    "kill -9 at every named point",
    provoked="a process that pays, cancels, takes back, bills, reports or reconciles is killed at "
    "each point of its way, the first and the last time it comes by; then the same is done again, "
    "and reconciliation runs, ten minutes later",
    promised="taken = booked, nothing twice, nothing lost, nothing open; receivers are told",
)
def test_a_rerun_completes_what_a_killed_process_left(
    trial: Trial, psp: SandboxPSP, flow: Flow
) -> None:
    for point, hit in _where(trial, psp, flow):
        trial.tried()
        killed_and_rerun(trial, psp, flow, point, hit)


@pytest.mark.parametrize("flow", FLOWS if FULL else FLOWS[:1], ids=lambda flow: flow.name)
@scenario(
    14,
    "kill -9, rerun a day later",
    provoked="as 13, but 25 hours pass before the rerun: the PSP has forgotten the keys",
    promised="taken = booked, nothing twice, nothing lost, nothing open; receivers are told",
)
def test_a_rerun_a_day_later_completes_it_too(trial: Trial, psp: SandboxPSP, flow: Flow) -> None:
    for point, hit in _where(trial, psp, flow):
        trial.tried()
        killed_and_rerun(trial, psp, flow, point, hit, later=25 * 3600)


def _where(trial: Trial, psp: SandboxPSP, flow: Flow) -> list[tuple[Point, int]]:
    """Small: the most dangerous point. Full: all that a run of the flow comes by."""
    if not trial.full:
        return [(flow.reached[0], 1)]
    (user,) = people(1)
    traced = processes.run(jobs.trace, psp.url, flow.ahead, flow.job, *flow.prepare(psp, user))
    assert not traced.error, traced.error
    trial.check(set(flow.reached) == set(traced.result), f"{flow.name} comes by {traced.result}")
    return [(Point(p), hit) for p, hits in traced.result.items() for hit in sorted({1, hits})]


@scenario(
    13,
    "kill -9 while moving in",
    provoked="the import from django-user-payments is killed between two batches; then run again",
    promised="everything is copied once; the audit finds nothing",
)
def test_a_killed_import_is_completed(trial: Trial) -> None:
    users = people(3)
    with installed() as ancestor:
        for user in users:
            ancestor.charged(user, "12.00", "5.00", "7.00")
            ancestor.pending(user, "3.00", "3.00")
            ancestor.item(user, "1.50")
        given = (site.BASE_URL, 0, jobs.import_user_payments)
        for hit in (1, 2) if trial.full else (1,):
            trial.tried()
            ended = processes.run(jobs.run_until, IMPORT, hit, *given)
            trial.check(ended.was_killed, f"It was not killed {ended.error}")
        ended = processes.run(jobs.run, *given)
        trial.check(not ended.error, ended.error)
    items, payments = LineItem.objects.count(), Payment.objects.count()
    trial.check((items, payments) == (12, 6), f"{items} items and {payments} payments are there")


IMPORT = Point.IMPORT_BETWEEN_BATCHES


def test_every_named_point_is_on_the_way_of_a_flow_that_is_killed() -> None:
    reached = {IMPORT}.union(*(flow.reached for flow in FLOWS))
    assert reached | OF_SAVED_METHODS | OF_DISPUTES == set(Point)
