"""The books keep that one payment of a payer is charged in a run, whoever holds a lease."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.models import Attempt, RunBatch, RunClaim
from payments_ui.core.runs import claims
from payments_ui.exceptions import AlreadyTriedError
from tests.conftest import UserFactory
from tests.core.support import charged, money_of, pending, started, together
from tests.counting import statements

from .support import first, running

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch() -> RunBatch:
    """Return the batch of a run."""
    return first(running())


def test_elsewhere_nothing_is_claimed(user: User) -> None:
    charged(user, "5")
    assert not RunClaim.objects.exists()


def test_a_second_payment_waits_for_the_next_run(user: User, batch: RunBatch) -> None:
    with claims.in_the_name_of(batch):
        attempt = started(pending(user, "5"))
        attempt.record(money_of(attempt))
        late = pending(user, "7")
        with pytest.raises(AlreadyTriedError):
            started(late)
    assert Attempt.objects.count() == 1
    claim = RunClaim.objects.get()
    assert str(claim) == f"CHF {attempt.payment_id}"
    assert (claim.run, claim.batch, claim.user) == (batch.run, batch, user)
    # In another run, or by hand, it is charged.
    assert started(late).is_open


def test_the_same_payment_may_be_tried_elsewhere_after_a_decline(
    user: User, batch: RunBatch
) -> None:
    payment = pending(user, "5")
    with claims.in_the_name_of(batch):
        started(payment).record(Declined(code=DeclineCode.GENERIC))
        started(payment, moocher="others")
    assert RunClaim.objects.count() == 1


def test_other_payers_and_currencies_are_others(make_user: UserFactory, batch: RunBatch) -> None:
    one, other = make_user(), make_user()
    with claims.in_the_name_of(batch):
        started(pending(one, "5"))
        started(pending(other, "5"))
    assert RunClaim.objects.count() == 2


def test_a_payment_of_zero_is_claimed_too(user: User, batch: RunBatch) -> None:
    payment = pending(user, "5", "-5")
    with claims.in_the_name_of(batch):
        payment.settle_zero()
    assert RunClaim.objects.get().payment == payment.pk


def test_a_claim_that_is_known_is_no_error_of_the_database(user: User, batch: RunBatch) -> None:
    known, late = pending(user, "5"), pending(user, "7")
    with claims.in_the_name_of(batch), transaction.atomic():
        with statements(1):
            claims.claim(known)
        with statements(2):
            claims.claim(known)
        with pytest.raises(AlreadyTriedError):
            claims.claim(late)
        # The caller's transaction goes on.
        assert RunClaim.objects.get().payment == known.pk


def test_the_database_keeps_it(user: User, batch: RunBatch) -> None:
    payment = pending(user, "5")
    fields = {"run": batch.run, "batch": batch, "user": user, "currency": "CHF"}
    RunClaim.objects.create(**fields, payment=payment.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        RunClaim.objects.create(**fields, payment=payment.pk)


@pytest.mark.django_db(transaction=True)
def test_of_two_payments_at_once_one_is_tried(user: User, batch: RunBatch) -> None:
    payments = [pending(user, "5"), pending(user, "7")]

    def try_one(number: int) -> object:
        with claims.in_the_name_of(batch):
            return started(payments[number])

    results = together(2, try_one)
    assert sum(isinstance(result, AlreadyTriedError) for result in results) == 1
    assert Attempt.objects.count() == RunClaim.objects.count() == 1
