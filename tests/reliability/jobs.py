"""What people and programs do with money, as functions that a process can run.

Each is a plain program: run again after it was killed, it continues. It gets the URL of the PSP,
and what the test prepared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from io import StringIO
from typing import Any, Concatenate, ParamSpec

from django.core.management import call_command

from payments_ui.core import processing
from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import RefundError
from payments_ui.flows import checkout
from payments_ui.flows.charge_unattended import Charging
from payments_ui.testing.failpoints import at, kill
from payments_ui.testing.psp import sign

from . import site
from .site import Browser

P = ParamSpec("P")
Job = Callable[Concatenate[str, P], object]


def run(psp_url: str, ahead: float, job: Job[...], *args: Any) -> None:
    """Run a job to its end, so many seconds later than now."""
    with site.at(psp_url, ahead):
        job(psp_url, *args)


def run_until(
    point: Point, hit: int, psp_url: str, ahead: float, job: Job[...], *args: Any
) -> None:
    """Run a job in a process that dies when the failpoint is hit for the n-th time."""
    with at(point, kill(), on_hit=hit):
        run(psp_url, ahead, job, *args)


def trace(psp_url: str, ahead: float, job: Job[...], *args: Any) -> dict[str, int]:
    """Run a job, and return how often it hit each failpoint."""
    hits: dict[str, int] = {}
    with site.at(psp_url, ahead):
        _trace(list(Point), hits, lambda: job(psp_url, *args))
    return {point: count for point, count in hits.items() if count}


def _trace(points: list[Point], hits: dict[str, int], job: Callable[[], object]) -> None:
    if not points:
        job()
        return
    with at(points[0]) as watch:
        _trace(points[1:], hits, job)
    hits[points[0]] = watch.hits


def pay_by_card(psp_url: str, user_pk: int) -> None:
    """Continue to payment, view its status, choose a card, pay."""
    browser = Browser(user_pk)
    payment = browser.proceed()
    if payment is not None:
        browser.look(payment)
        browser.pay(payment)


def pay_with_a_step_at_the_bank(psp_url: str, user_pk: int) -> None:
    """As by card; the bank asks the customer, who comes back afterwards."""
    browser = Browser(user_pk)
    payment = browser.proceed()
    if payment is None:
        return
    browser.look(payment)
    browser.pay(payment, card="card_3ds")
    opened = payment.attempts.filter(state=Attempt.State.REQUIRES_ACTION).first()
    if opened is not None:
        browser.come_back(site.approve(opened.action_url))


def deliver(psp_url: str, *bodies: str) -> None:
    """Post webhooks of the PSP."""
    for body in bodies:
        site.post_webhook(body.encode(), sign(site.SECRET, body.encode(), int(time.time())))


def cancel(psp_url: str, payment_pk: str) -> None:
    """Cancel a payment whose customer is at the bank's page."""
    payment = Payment.objects.filter(pk=payment_pk).first()
    if payment is not None:
        Browser(payment.user_id).cancel(payment)


def undo(psp_url: str, payment_pk: str) -> None:
    """Undo a payment that was booked by hand."""
    payment = Payment.objects.charged().filter(pk=payment_pk).first()
    if payment is not None:
        payment.undo(reason="booked by mistake")


def read_statement(psp_url: str, psp_reference: str) -> None:
    """Book the two lines of a bank's statement that make a transfer's CHF 30.00."""
    for line, amount in (("line 1", Decimal("10.00")), ("line 2", Decimal("20.00"))):
        book_arrival(
            moocher="transfer",
            psp_reference=psp_reference,
            amount=amount,
            currency="CHF",
            event_id=f"{psp_reference} {line}",
        )


def add_new_charges(psp_url: str, payment_pk: str) -> None:
    """Add new charges to a pending payment."""
    payment = Payment.objects.pending().filter(pk=payment_pk).first()
    if payment is not None:
        checkout.add_new_charges(payment)


def charge_everybody(psp_url: str, card: str = "card_approve") -> None:
    """The nightly run: charge pending payments and unbound line items, by saved cards."""
    charging = Charging(
        site.card,
        base_url=site.BASE_URL,
        data_for=lambda payment: {"card": card},
        per_second=None,
        pauses=(0.01, 0.02, 0.04, 0.08, 0.16),
    )
    processing.process_pending_payments(processors=[charging])
    processing.process_unbound_items(processors=[charging])


def refund(psp_url: str, payment_pk: str, amount: str) -> None:
    """A clerk refunds a part of a payment, and saw that nothing was refunded so far."""
    payment = Payment.objects.get(pk=payment_pk)
    with suppress(RefundError):
        payment.refund(amount, reason="broken", refunded_before=Decimal(0))


def reconcile(psp_url: str) -> None:
    """The cron job that asks the PSPs about open attempts."""
    call_command("reconcile_payments", "--all", stdout=StringIO())


def expire(psp_url: str) -> None:
    """The cron job that cancels abandoned payments."""
    call_command("expire_payments", stdout=StringIO())


def import_user_payments(psp_url: str) -> None:
    """Copy what django-user-payments has stored."""
    call_command("import_user_payments", "--commit", "--currency=CHF", stdout=StringIO())


def charge_everybody_until_killed(after: int, psp_url: str) -> None:
    """The nightly run, killed after the n-th charge that the PSP made."""
    run_until(Point.CHARGE_AFTER_PSP, after, psp_url, 0, charge_everybody)
