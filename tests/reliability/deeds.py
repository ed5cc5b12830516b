"""What people and programs do with money: functions that a process of its own can run.

Each is a plain program: run again after it was killed, it goes on where it stood. It gets the URL
of the PSP, and what the test prepared.
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
Deed = Callable[Concatenate[str, P], object]


def done(psp_url: str, ahead: float, deed: Deed[...], *args: Any) -> None:
    """Do it, undisturbed, so many seconds later than it is."""
    with site.at(psp_url, ahead):
        deed(psp_url, *args)


def done_until(
    point: Point, hit: int, psp_url: str, ahead: float, deed: Deed[...], *args: Any
) -> None:
    """Do it, and die at the n-th time the point is reached."""
    with at(point, kill(), on_hit=hit):
        done(psp_url, ahead, deed, *args)


def traced(psp_url: str, ahead: float, deed: Deed[...], *args: Any) -> dict[str, int]:
    """Do it, and tell how often each point was reached."""
    hits: dict[str, int] = {}
    with site.at(psp_url, ahead):
        _trace(list(Point), hits, lambda: deed(psp_url, *args))
    return {point: count for point, count in hits.items() if count}


def _trace(points: list[Point], hits: dict[str, int], deed: Callable[[], object]) -> None:
    if not points:
        deed()
        return
    with at(points[0]) as watch:
        _trace(points[1:], hits, deed)
    hits[points[0]] = watch.hits


def pay_by_card(psp_url: str, user_pk: int) -> None:
    """Continue to payment, look how it stands, choose a card, pay."""
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
    """Deliver what the PSP reports."""
    for body in bodies:
        site.post_webhook(body.encode(), sign(site.SECRET, body.encode(), int(time.time())))


def give_up(psp_url: str, payment_pk: str) -> None:
    """Cancel a payment whose customer is at the bank's page."""
    payment = Payment.objects.filter(pk=payment_pk).first()
    if payment is not None:
        Browser(payment.user_id).cancel(payment)


def take_back(psp_url: str, payment_pk: str) -> None:
    """Undo a payment that was booked by hand."""
    payment = Payment.objects.charged().filter(pk=payment_pk).first()
    if payment is not None:
        payment.undo(reason="booked by mistake")


def take_in(psp_url: str, payment_pk: str) -> None:
    """Renew a pending payment, as there are new charges."""
    payment = Payment.objects.pending().filter(pk=payment_pk).first()
    if payment is not None:
        checkout.add_new_charges(payment)


def bill_everybody(psp_url: str, card: str = "card_approve") -> None:
    """The nightly run: bill what is unbound and charge what is pending, by saved cards."""
    charging = Charging(
        site.card,
        base_url=site.BASE_URL,
        data_for=lambda payment: {"card": card},
        per_second=None,
        pauses=(0.01, 0.02, 0.04, 0.08, 0.16),
    )
    processing.process_pending_payments(processors=[charging])
    processing.process_unbound_items(processors=[charging])


def give_back(psp_url: str, payment_pk: str, amount: str) -> None:
    """A clerk gives a part back, who saw that nothing was given back so far."""
    payment = Payment.objects.get(pk=payment_pk)
    with suppress(RefundError):
        payment.refund(amount, reason="broken", refunded_before=Decimal(0))


def reconcile(psp_url: str) -> None:
    """The cron job that asks PSPs about everything that is open."""
    call_command("reconcile_payments", "--all", stdout=StringIO())


def expire(psp_url: str) -> None:
    """The cron job that gives up what was abandoned."""
    call_command("expire_payments", stdout=StringIO())


def move_in(psp_url: str) -> None:
    """Copy what django-user-payments has stored."""
    call_command("import_user_payments", "--commit", "--currency=CHF", stdout=StringIO())


def billed_until_killed(after: int, psp_url: str) -> None:
    """The nightly run, killed with the n-th charge that the PSP made."""
    done_until(Point.CHARGE_AFTER_PSP, after, psp_url, 0, bill_everybody)
