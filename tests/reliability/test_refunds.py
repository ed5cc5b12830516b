"""Clerks who give money back at the same time, and answers about it that get lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from payments_ui.core.models import Payment, Refund
from payments_ui.exceptions import RefundError
from payments_ui.testing.psp import SandboxPSP

from . import jobs, site
from .frame import Trial, scenario
from .support import owe, people
from .threads import Threads, threads

CLERKS = 4
AMOUNT = Decimal("30.00")


def charged(user: User) -> Payment:
    owe(user, "19.99", "10.01")
    browser = site.Browser(user.pk)
    payment = browser.proceed()
    assert payment is not None
    browser.pay(payment)
    found: Payment = Payment.objects.charged().get(pk=payment.pk)
    return found


def give_back(payment: Payment, amount: str | None) -> Any:
    return Payment.objects.get(pk=payment.pk).refund(amount, reason="broken")


def at_once(pool: Threads, payment: Payment, amount: str | None) -> list[str]:
    """All clerks at once; what failed, other than by a refusal."""
    results = pool.all(lambda number: give_back(payment, amount))
    failed = [one for one in results if isinstance(one, Exception)]
    return [repr(error) for error in failed if not isinstance(error, RefundError)]


def check(trial: Trial, psp: SandboxPSP, payment: Payment, *, given: Decimal | None) -> None:
    """What we and the PSP say was given back; ``None``: whatever it is, no more than there is."""
    ours = Payment.objects.get(pk=payment.pk).refunded_amount
    (attempt,) = payment.attempts.filter(settled_payment=payment.pk)
    (charge,) = psp.ledger.charges.by_reference(attempt.idempotency_key)
    theirs = Decimal(psp.ledger.refunds.reserved(charge.id)) / 100
    trial.check(ours == theirs, f"{ours} given back here, {theirs} at the PSP")
    trial.check(ours <= AMOUNT, f"{ours} of {AMOUNT} given back")
    trial.check(given is None or ours == given, f"{ours} given back, {given} was asked for")


@scenario(
    30,
    "Refunds at once",
    provoked="4 clerks give the same payment back at a barrier: all of it; and of another one a "
    "part each, in sum more than there is, three times",
    promised="never more than was charged; the PSP's refunds are ours, each sent once",
)
def test_clerks_at_once_give_back_no_more_than_there_is(trial: Trial, psp: SandboxPSP) -> None:
    users = people(trial.size(small=2, full=100))
    with site.at(psp.url), threads(CLERKS) as pool:
        for user in users:
            trial.tried(2)
            whole, parts = charged(user), charged(user)
            trial.violations += at_once(pool, whole, None)
            check(trial, psp, whole, given=AMOUNT)
            for _ in range(3):
                trial.violations += at_once(pool, parts, "12.00")
            check(trial, psp, parts, given=None)


@scenario(
    30,
    "Answers about refunds lost",
    provoked="the PSP gives money back, and its answer never arrives; the clerk tries again, then "
    "reconciliation runs",
    promised="given back once; the clerk is refused while the outcome is not known",
)
def test_a_refund_whose_answer_is_lost_is_given_once(trial: Trial, psp: SandboxPSP) -> None:
    users = people(trial.size(small=2, full=50))
    payments = []
    with site.at(psp.url):
        for user in users:
            trial.tried()
            payment = charged(user)
            payments.append(payment)
            psp.plan.add("lost_reply", on="refund")
            refund = give_back(payment, "12.00")
            trial.check(refund.state == Refund.State.UNKNOWN, f"The clerk was told {refund}")
            try:
                trial.violation(f"{give_back(payment, '12.00')} although nobody knows of the first")
            except RefundError:
                continue
    with site.at(psp.url, 600):
        jobs.reconcile(psp.url)
    for payment in payments:
        check(trial, psp, payment, given=Decimal("12.00"))
