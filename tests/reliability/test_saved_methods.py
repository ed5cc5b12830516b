"""kill -9 while a card is saved, charged and removed: nothing is left that nobody knows."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User

from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, Customer, PaymentMethod
from payments_ui.testing.psp import SandboxPSP
from tests.moochers.stripe.conftest import asking

from . import processes, saved_jobs
from .frame import Trial, findings, scenario
from .support import owe, people
from .test_crashes import OF_SAVED_METHODS, paid_once

_LATER = 600.0


@dataclass(frozen=True)
class Way:
    """``job`` is killed at ``point``; ``before``: a card is saved first; ``kept``: cards then."""

    job: saved_jobs.Job
    point: Point
    kept: int = 1
    before: bool = False

    def __str__(self) -> str:
        return f"{self.job.__name__} at {self.point}"


WAYS = (
    Way(saved_jobs.pay_and_save, Point.CUSTOMER_AFTER_PSP),
    Way(saved_jobs.pay_and_save, Point.SAVE_AFTER_COMMIT),
    Way(saved_jobs.pay_and_save, Point.PREPARE_AFTER_PSP),
    Way(saved_jobs.pay_and_save, Point.PREPARE_AFTER_COMMIT),
    Way(saved_jobs.pay_and_save, Point.CHARGE_AFTER_PSP),
    Way(saved_jobs.save, Point.SAVE_AFTER_PSP),
    Way(saved_jobs.remove, Point.FORGET_AFTER_PSP, kept=0, before=True),
)


def test_every_point_on_the_way_of_a_saved_card_is_one_of_them() -> None:
    assert {way.point for way in WAYS} >= OF_SAVED_METHODS


@pytest.mark.parametrize("way", WAYS, ids=str)
@scenario(
    13,
    "kill -9 while a card is saved or removed",
    provoked="a process that pays and saves a card, saves one without a payment, or removes one, "
    "is killed at each point of its way; then reconciliation runs, and the customer does it again",
    promised="what was owed is charged once; what the PSP keeps for a customer is in the books",
)
def test_what_a_killed_process_left_is_completed(trial: Trial, psp: SandboxPSP, way: Way) -> None:
    psp.stripe.listen("http://127.0.0.1:9/")
    face = psp.stripe
    keys = (face.url, face.secret_key, face.publishable_key, face.webhook_secret)
    (user,) = people(1)
    trial.tried()
    if way.job is saved_jobs.pay_and_save:
        owe(user, "19.99", "10.01")
    if way.before:
        first = processes.run(saved_jobs.run, keys, 0.0, saved_jobs.save, user.pk, _token(psp))
        assert not first.error, first.error
    args = (way.point, keys, way.job, user.pk, _token(psp))
    ended = processes.run(saved_jobs.run_until, *args)
    trial.check(ended.was_killed, f"{way}: it was not killed {ended.error}")
    psp.advance(_LATER)
    for job, given in (
        (saved_jobs.reconcile, (keys, _LATER)),
        (saved_jobs.run, (keys, _LATER, way.job, user.pk, _token(psp))),
        (saved_jobs.reconcile, (keys, 2 * _LATER)),
    ):
        rerun = processes.run(job, *given)
        trial.check(not rerun.error and rerun.code == 0, f"{way}, rerun: {rerun.error}")
    trial.violations += [f"{way}: {text}" for text in _wrong(psp, user, way)]


def _token(psp: SandboxPSP) -> str:
    return psp.stripe.confirmation_token("pm_card_visa")


def _wrong(psp: SandboxPSP, user: User, way: Way) -> list[str]:
    methods = PaymentMethod.objects.filter(user=user)
    waiting = methods.filter(state__in=("pending", "removing"))
    known = {method.method_id for method in methods.active()}
    chargeable = set()
    for customer in Customer.objects.filter(user=user).exclude(customer_id=None):
        listed = asking(psp).v1.customers.payment_methods.list(str(customer.customer_id))
        chargeable |= {found.id for found in listed.data}
    found = [str(finding) for finding in findings()]
    found += [f"{attempt} is open" for attempt in Attempt.objects.open()]
    found += [f"{method} waits" for method in waiting]
    if known != chargeable or len(known) != way.kept:
        found.append(f"the PSP keeps {chargeable}, the books say {known}")
    return [*found, *paid_once(user)]
