"""Payers are read many at once; what decides is asked again when it is the turn of one of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core import journal
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment, PaymentMethod
from payments_ui.core.privacy.anonymize import anonymize_user
from payments_ui.core.processing import Result
from payments_ui.flows import look_ahead, processors
from payments_ui.flows.charge_payers import NightResult, Options, charge_payers
from payments_ui.flows.charge_unattended import Charging, saved_methods
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import bare, pending, record, stored
from tests.fakes import LaggingReplica, taken
from tests.saving import SAVING, saved, saving

pytestmark = pytest.mark.django_db

#: What happens between the moment at which a payer is read and their turn.
Meanwhile = Callable[[User], object]


@pytest.fixture(autouse=True)
def site(settings: Settings, psp: SandboxPSP) -> dict[str, Any]:
    given: dict[str, Any] = {
        "MOOCHERS": [SAVING],
        "BASE_URL": "https://shop.example",
        "BILLING_SCHEDULE": "payments_ui.core.billing.schedules.nightly",
        "PROCESSORS": [
            "payments_ui.flows.processors.SavedMethod",
            "payments_ui.flows.processors.PleasePay",
        ],
    }
    settings.PAYMENTS_UI = given
    return given


@pytest.fixture
def payer(user: User) -> User:
    """Return somebody who owes ten francs, and agreed to be charged."""
    saved(user, unattended="Charge me.")
    record(user, "10")
    return user


def night(meanwhile: Meanwhile | None = None) -> NightResult:
    """Charge everybody; this happens after all were read, to the one who is next."""
    read = look_ahead.read

    def read_early(keys: Any, listed: Any) -> Any:
        found = read(keys, listed)
        for user_id, _currency in keys if meanwhile else ():
            assert meanwhile is not None
            meanwhile(User.objects.get(pk=user_id))
        return found

    with mock.patch.object(look_ahead, "read", read_early):
        return charge_payers(options=Options())


def leave(user: User) -> None:
    user.is_active = False
    user.save()


def test_many_are_read_at_once(make_user: UserFactory, psp: SandboxPSP) -> None:
    for _number in range(3):
        user = make_user()
        saved(user, unattended="Charge me.")
        record(user, "10")
    with mock.patch.object(look_ahead, "read", side_effect=look_ahead.read) as read:
        assert charge_payers(options=Options()).charged == 3
    assert read.call_count == 1


def test_who_was_read_long_ago_is_read_again(
    make_user: UserFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [(make_user().pk, "CHF") for _number in range(3)]
    now = [0.0]
    monkeypatch.setattr(look_ahead, "time", mock.Mock(monotonic=lambda: now[0]))
    with mock.patch.object(look_ahead, "read", side_effect=look_ahead.read) as read:
        for _found in look_ahead.each(keys, []):
            now[0] += look_ahead.FRESH * 0.6
    assert [call.args[0] for call in read.call_args_list] == [keys, keys[2:]]


def test_what_cannot_be_read_at_once_is_an_error_of_whom_it_is_about(
    make_user: UserFactory, psp: SandboxPSP, caplog: pytest.LogCaptureFixture
) -> None:
    users = [make_user() for _number in range(3)]
    for user in users:
        saved(user, unattended="Charge me.")
        record(user, "10")
    real = processors.SavedMethod.look_at

    def look_at(self: processors.SavedMethod, found: Any) -> None:
        if users[1].pk in found:
            raise RuntimeError("odd")
        real(self, found)

    with mock.patch.object(processors.SavedMethod, "look_at", look_at):
        result = charge_payers(options=Options())
    assert (result.charged, result.errors) == (2, 1)
    assert f"User {users[1].pk} failed" in caplog.text


def test_who_has_paid_meanwhile_is_billed_for_nothing(payer: User, psp: SandboxPSP) -> None:
    result = night(lambda user: Payment.objects.create_pending(user=user, by=journal.by_user(user)))
    assert (result.due, result.skipped) == (0, 0)
    assert not psp.calls
    assert Payment.objects.count() == 1


def test_who_has_paid_and_used_the_site_since_waits_for_their_day(
    payer: User, psp: SandboxPSP
) -> None:
    def pay_and_use(user: User) -> None:
        Payment.objects.create_pending(user=user)
        record(user, "0.40")

    assert night(pay_and_use).due == 0
    assert not psp.calls
    assert LineItem.objects.unbound().get().amount == Decimal("0.40")
    given_up = JournalEntry.objects.get(verb=JournalEntry.Verb.PAYMENT_CANCELLED)
    assert given_up.reason == "what is owed has changed, and is not billed now"


def test_what_is_used_meanwhile_is_charged_along(payer: User, psp: SandboxPSP) -> None:
    assert night(lambda user: record(user, "2")).charged == 1
    assert taken(psp) == Decimal(12)


def test_who_is_not_active_any_more_is_not_billed(payer: User, psp: SandboxPSP) -> None:
    assert night(leave).inactive == 1
    assert not psp.calls
    assert not Payment.objects.exists()


def test_who_has_left_leaves_no_address_in_a_new_payment(payer: User, psp: SandboxPSP) -> None:
    assert night(anonymize_user).inactive == 1
    assert not Payment.all_objects.exclude(email="").exists()


def test_nor_is_a_payment_charged_that_was_pending(payer: User, psp: SandboxPSP) -> None:
    pending(payer, "5", created_at=timezone.now() - dt.timedelta(hours=2))
    result = night(leave)
    assert (result.due, result.charged, result.skipped) == (1, 0, 1)
    assert not psp.calls
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("may", [False, True])
def test_whoever_charges_asks_whether_its_user_is_active(
    payer: User, psp: SandboxPSP, site: dict[str, Any], may: bool
) -> None:
    site["CHARGE_INACTIVE"] = may
    payment = pending(payer, "5")
    leave(payer)
    charge = Charging(saving, base_url="https://shop.example", data_for=saved_methods(saving))
    assert charge(payment) is (Result.SUCCESS if may else Result.TERMINATE)
    assert bool(psp.calls) is may
    # Without a saved payment method, too.
    plain = Charging(saving, base_url="https://shop.example")
    assert plain(pending(payer, "6")) is (Result.SUCCESS if may else Result.TERMINATE)


@pytest.mark.parametrize(
    "data_for", [saved_methods(saving), lambda _payment: {}], ids=["saved", "plain"]
)
def test_no_replica_says_whether_a_user_is_active(
    payer: User, psp: SandboxPSP, settings: Settings, data_for: Any
) -> None:
    payment = pending(payer, "5")
    leave(payer)
    settings.DATABASE_ROUTERS = [LaggingReplica()]
    charge = Charging(saving, base_url="https://shop.example", data_for=data_for)
    assert charge(Payment.objects.get(pk=payment.pk)) is Result.TERMINATE
    assert not psp.calls


def test_who_changes_the_card_meanwhile_is_charged_by_the_new_one(
    payer: User, psp: SandboxPSP
) -> None:
    def change(user: User) -> None:
        PaymentMethod.objects.get(user=user).remove()
        saved(user, unattended="Charge me.")

    assert night(change).charged == 1
    attempt = Attempt.objects.get()
    assert attempt.payment_method is not None
    assert attempt.payment_method.is_active


def test_who_takes_the_card_away_meanwhile_is_asked_to_pay(payer: User, psp: SandboxPSP) -> None:
    result = night(lambda user: PaymentMethod.objects.get(user=user).remove())
    assert (result.charged, result.asked) == (0, 1)
    assert not psp.calls
    assert stored(Payment.objects.get()).state == Payment.State.PENDING


def test_what_was_declined_meanwhile_is_not_tried_again(payer: User, psp: SandboxPSP) -> None:
    method = PaymentMethod.objects.get()

    def decline(user: User) -> None:
        ended = timezone.now() - dt.timedelta(minutes=1)
        before = pending(user, "7").start_attempt(moocher="saving", payment_method=method)
        bare(Attempt).filter(pk=before.pk).update(
            state=Attempt.State.FAILED, failure_code="generic", ended_at=ended
        )
        record(user, "10")

    result = night(decline)
    assert (result.charged, result.due) == (0, 1)
    assert not psp.calls


def test_users_whom_the_site_hides_are_errors_of_their_own(
    payer: User, make_user: UserFactory, psp: SandboxPSP
) -> None:
    other = make_user()
    saved(other, unattended="Charge me.")
    record(other, "10")
    hidden = User.objects.exclude(pk=payer.pk)
    with mock.patch.object(User._default_manager, "using", return_value=hidden):
        result = charge_payers(options=Options())
    assert (result.charged, result.errors) == (1, 1)
