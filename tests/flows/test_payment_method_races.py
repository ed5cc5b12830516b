"""Saved payment methods under real threads: one customer, one default, none used once removed."""
# A state equals its text.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.audit import audit
from payments_ui.core.models import Attempt, Customer, JournalEntry, PaymentMethod
from payments_ui.exceptions import PaymentMethodGoneError
from payments_ui.flows import payment_methods
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.moochers import listed
from payments_ui.testing.psp import SandboxPSP
from tests.core.support import (
    customer_of,
    errors,
    kept,
    pending,
    saved,
    saving,
    started,
    together,
)
from tests.moochers.stripe.conftest import URLS, asking, moocher_at

pytestmark = pytest.mark.django_db(transaction=True)
State = PaymentMethod.State
Verb = JournalEntry.Verb


@pytest.fixture
def psp() -> Iterator[SandboxPSP]:
    with SandboxPSP(api_key="the-key", webhook_secret="the-secret") as psp:
        yield psp


@pytest.fixture
def moocher(psp: SandboxPSP, settings: Settings) -> StripeMoocher:
    moocher = moocher_at(psp, timeout=(5, 30))
    settings.PAYMENTS_UI = {"MOOCHERS": listed(moocher)}
    return moocher


def test_requests_at_once_have_one_customer_made(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    results = together(8, lambda _n: payment_methods.customer_of(user, moocher).customer_id)
    # While one asks, a PSP may tell the others with the same key to wait.
    ids = {result for result in results if isinstance(result, str)}
    assert len(ids) == 1
    assert Customer.objects.count() == 1
    assert [found.id for found in asking(psp).v1.customers.list().data] == list(ids)


def test_of_defaults_chosen_at_once_one_is_the_default(user: User) -> None:
    methods = [saved(user, method_id=f"pm_{n}", fingerprint=f"f{n}") for n in range(4)]
    assert errors(together(4, lambda n: methods[n].make_default())) == []
    assert PaymentMethod.objects.filter(is_default=True).count() == 1


def test_the_first_ones_saved_at_once_have_one_default(user: User) -> None:
    methods = [saving(user, customer=customer_of(user, psp=f"psp{n}")) for n in range(4)]
    outcomes = [kept(method, method_id=f"pm_{n}") for n, method in enumerate(methods)]
    assert errors(together(4, lambda n: methods[n].record(outcomes[n]))) == []
    assert PaymentMethod.objects.active().count() == 4
    assert PaymentMethod.objects.filter(is_default=True).count() == 1


def test_the_same_card_saved_twice_at_once_is_in_use_once(user: User) -> None:
    methods = [saving(user) for _n in range(4)]
    outcomes = [kept(method, method_id=f"pm_{n}") for n, method in enumerate(methods)]
    assert errors(together(4, lambda n: methods[n].record(outcomes[n]))) == []
    assert PaymentMethod.objects.active().count() == 1
    assert PaymentMethod.objects.filter(state=State.REMOVING).count() == 3


def test_reports_at_once_save_it_once(user: User) -> None:
    method = saving(user)
    outcomes: list[Any] = [kept(method), Declined(code=DeclineCode.GENERIC), kept(method)]
    assert errors(together(3, lambda n: method.record(outcomes[n]))) == []
    assert method.as_stored().state == State.ACTIVE
    in_use = [
        entry
        for entry in JournalEntry.objects.filter(verb=Verb.METHOD_CHANGED)
        if entry.detail["to"] == State.ACTIVE
    ]
    assert len(in_use) == 1


@pytest.mark.parametrize("round_", range(5))
def test_no_attempt_starts_with_what_is_removed(user: User, round_: int) -> None:
    method = saved(user)
    payments = [pending(user, "5") for _n in range(3)]

    def act(number: int) -> object:
        if number == 3:
            return method.remove()
        return started(payments[number], payment_method=method)

    results = together(4, act)
    assert {type(error) for error in errors(results)} <= {PaymentMethodGoneError}
    removed = JournalEntry.objects.get(verb=Verb.METHOD_REMOVED)
    for attempt in Attempt.objects.all():
        entry = JournalEntry.objects.get(verb=Verb.ATTEMPT_STARTED, attempt_id=attempt.pk)
        assert entry.pk < removed.pk
    assert method.as_stored().state == State.REMOVING
    assert list(audit()) == []


def test_what_is_saved_while_its_user_leaves_is_not_in_use(user: User) -> None:
    method = saving(user)
    outcome = kept(method)

    def act(number: int) -> object:
        return PaymentMethod.objects.remove_all(user) if number else method.record(outcome)

    assert errors(together(2, act)) == []
    stored = method.as_stored()
    assert (stored.state, stored.method_id) == (State.REMOVING, "pm_1")
    assert not Customer.objects.current().exists()


def test_a_removal_asked_for_by_many_is_one(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    customer = payment_methods.customer_of(user, moocher)
    token = psp.stripe.confirmation_token("pm_card_visa")
    method = saving(user, customer=customer, moocher="stripe")
    method = method.record(moocher.save(method, data={"confirmation_token": token}, urls=URLS))
    assert method.is_active
    assert errors(together(4, lambda _n: method.remove())) == []
    assert method.as_stored().state == State.REMOVED
    assert JournalEntry.objects.filter(verb=Verb.METHOD_FORGOTTEN).count() == 1
