"""Removing: gone for its user at once, and kept as a task until the PSP confirms."""
# A state equals its text.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from payments_ui.core.attempts.outcomes import Cancelled
from payments_ui.core.models import Customer, JournalEntry, PaymentMethod
from payments_ui.exceptions import PaymentMethodGoneError
from tests.conftest import UserFactory
from tests.core.support import (
    customer_of,
    journalled,
    kept,
    money_of,
    pending,
    saved,
    saving,
    started,
)

pytestmark = pytest.mark.django_db
State = PaymentMethod.State
Verb = JournalEntry.Verb


def test_it_is_gone_at_once_and_forgotten_when_the_psp_says_so(user: User) -> None:
    method = saved(user).remove(by="user:1", reason="not mine any more")
    assert (method.state, method.is_default) == (State.REMOVING, False)
    assert method.removed_at is not None
    assert method.forgotten_at is None
    assert not user.user_payment_methods.active().exists()
    method = method.mark_forgotten()
    assert method.state == State.REMOVED
    assert method.forgotten_at is not None
    entry = JournalEntry.objects.get(verb=Verb.METHOD_REMOVED)
    assert (entry.actor, entry.reason) == ("user:1", "not mine any more")
    assert entry.detail == {"payment_method": str(method.pk)}


def test_removing_twice_is_removing_once(user: User) -> None:
    method = saved(user)
    first = method.remove().removed_at
    assert method.remove().removed_at == first
    method.mark_forgotten()
    method.mark_forgotten()
    assert journalled(Verb.METHOD_REMOVED) == journalled(Verb.METHOD_FORGOTTEN) == 1


def test_what_failed_is_not_removed(user: User) -> None:
    method = saving(user).record(Cancelled())
    assert method.remove().state == State.FAILED
    assert method.mark_forgotten().state == State.FAILED


def test_what_the_psp_has_given_up_is_gone_here_too(user: User) -> None:
    method = saved(user).mark_forgotten()
    assert method.state == State.REMOVED
    assert method.removed_at is not None


@pytest.mark.parametrize("forgotten", [False, True])
def test_what_is_saved_after_its_removal_is_not_used(user: User, forgotten: bool) -> None:
    method = saving(user).remove()
    if forgotten:
        method.mark_forgotten()
    late = method.record(kept(method))
    assert (late.state, late.method_id, late.forgotten_at) == (State.REMOVING, "pm_1", None)


def test_money_that_saves_a_removed_one_is_booked(user: User) -> None:
    attempt = started(pending(user, "5"))
    method = saving(user, attempt=attempt).remove()
    settled = attempt.record(money_of(attempt, instrument=kept(method).instrument))
    assert settled.state == "settled"
    assert method.as_stored().state == State.REMOVING


def test_the_one_saved_last_is_the_next_default(user: User) -> None:
    first, second, third = (saved(user, method_id=f"pm_{n}", fingerprint=f"f{n}") for n in range(3))
    first.remove()
    assert third.as_stored().is_default
    third.remove()
    assert second.as_stored().is_default
    second.remove()
    assert not PaymentMethod.objects.filter(is_default=True).exists()


def test_choosing_another_default(user: User) -> None:
    first, second = saved(user), saved(user, method_id="pm_2", fingerprint="f2")
    assert second.make_default(by="user:1").is_default
    assert not first.as_stored().is_default
    assert list(PaymentMethod.objects.active()) == [second, first]
    before = JournalEntry.objects.count()
    second.make_default()
    assert JournalEntry.objects.count() == before
    first.remove()
    with pytest.raises(PaymentMethodGoneError):
        first.make_default()


def test_somebody_who_leaves_takes_everything_along(user: User, make_user: UserFactory) -> None:
    methods = [saved(user), saving(user)]
    elsewhere = customer_of(user, psp="else")
    stranger = saved(make_user())
    assert PaymentMethod.objects.remove_all(user, by="user:1", reason="leaves") == 2
    assert {method.as_stored().state for method in methods} == {State.REMOVING}
    assert not Customer.objects.current().filter(user=user).exists()
    elsewhere.refresh_from_db()
    assert elsewhere.removed_at is not None
    assert stranger.as_stored().is_default
    assert PaymentMethod.objects.remove_all(user) == 0
