"""A night: everybody who agreed is charged once, whoever runs it, and however often."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core import clock, journal
from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Unknown
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, LineItem, Payment, PaymentMethod
from payments_ui.core.processing import Outcome, Result
from payments_ui.flows import processors
from payments_ui.flows.charge_payers import NightResult, Options, charge_payers, next_payment
from payments_ui.testing.failpoints import at, raise_
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import pending, record, started, stored, together
from tests.fakes import taken
from tests.saving import OTHER, SAVING, other, saved, saving

pytestmark = pytest.mark.django_db
LATER = dt.timedelta(days=40)
NIGHTLY = "payments_ui.core.billing.schedules.nightly"
INVOICED: list[Payment] = []


def invoice(payment: Payment) -> Result:
    """A site's own processor, which serves everybody."""
    INVOICED.append(payment)
    return Result.FAILURE


@pytest.fixture(autouse=True)
def site(settings: Settings, psp: SandboxPSP) -> dict[str, Any]:
    INVOICED.clear()
    given: dict[str, Any] = {
        "MOOCHERS": [SAVING, OTHER],
        "BASE_URL": "https://shop.example",
        "BILLING_SCHEDULE": NIGHTLY,
    }
    settings.PAYMENTS_UI = given
    return given


def agreed(make_user: UserFactory, *amounts: str, moocher: Any = saving) -> User:
    """Return somebody who owes something, and agreed to be charged."""
    user = make_user()
    saved(user, moocher, unattended="Charge me.")
    record(user, *amounts)
    return user


def night(**only: Any) -> NightResult:
    restricted = {name: only.pop(name) for name in ("currency", "user") if name in only}
    return charge_payers(options=Options(**restricted), **only)


def test_who_agreed_is_charged_and_nobody_else(make_user: UserFactory, psp: SandboxPSP) -> None:
    here, there = agreed(make_user, "5", "7"), agreed(make_user, "6", moocher=other)
    asked = make_user()
    saved(asked)
    record(asked, "9")
    record(make_user(), "9")
    result = night()
    assert (result.payers, result.due, result.charged, result.is_clean) == (4, 2, 2, True)
    assert taken(psp) == Decimal(18)
    assert {payment.user for payment in Payment.objects.charged()} == {here, there}
    assert Attempt.objects.get(payment__user=there).moocher == "other"
    # Nothing is bound of those who did not agree: they see their charges as before.
    assert LineItem.objects.unbound().count() == 2


def test_a_second_run_the_same_night_charges_nobody_twice(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    agreed(make_user, "5")
    assert [night().charged, night().charged] == [1, 0]
    assert taken(psp) == Decimal(5)


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_charge_everybody_once(make_user: UserFactory, psp: SandboxPSP) -> None:
    for _user in range(6):
        agreed(make_user, "5")
    results = together(3, lambda _number: night())
    assert taken(psp) == Decimal(30)
    assert Payment.objects.charged().count() == 6
    assert sum(result.charged for result in results) >= 6


def test_nobody_is_billed_before_their_day(
    make_user: UserFactory, site: dict[str, Any], psp: SandboxPSP
) -> None:
    del site["BILLING_SCHEDULE"]
    agreed(make_user, "5")
    assert night().due == 0
    with clock.moved(LATER):
        assert night().charged == 1


def test_a_run_that_was_killed_is_finished_by_the_next(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    for _user in range(2):
        agreed(make_user, "5")
    with at(Point.BULK_BETWEEN_USERS, raise_(RuntimeError)), pytest.raises(RuntimeError):
        night()
    # Killed after the payment was made, before its attempt.
    user_id = LineItem.objects.unbound().values_list("user_id", flat=True).get()
    assert isinstance(next_payment(user_id, "CHF", processors=processors.listed()), Payment)
    assert night().charged == 1
    assert taken(psp) == Decimal(10)


def test_what_is_pending_is_charged_too_unless_its_customer_is_at_it(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    left, at_it, processing = (agreed(make_user, "5") for _ in range(3))
    now = timezone.now()
    for user in (left, at_it, processing):
        began = now - dt.timedelta(hours=2) if user == left else now
        Payment.objects.create_pending(user=user, by=journal.by_user(user), created_at=began)
    started(Payment.objects.get(user=processing))
    assert (night().due, taken(psp)) == (1, Decimal(5))
    assert Payment.objects.charged().get().user == left


def test_new_charges_wait_while_a_payment_is_not_paid(make_user: UserFactory) -> None:
    user = agreed(make_user, "5")
    saving.outcomes.append(Unknown(reason="no answer"))
    assert night().open == 1
    record(user, "7")
    assert night().due == 0
    assert LineItem.objects.unbound().count() == 1


def test_a_decline_keeps_the_payment_and_says_so(make_user: UserFactory) -> None:
    user = agreed(make_user, "5")
    saving.outcomes.append(Declined(code=DeclineCode.INSUFFICIENT_FUNDS))
    result = night()
    assert (result.declined, result.charged, result.is_clean) == (1, 0, True)
    assert Payment.objects.get(user=user).state == Payment.State.PENDING


def test_who_was_declined_and_took_the_card_away_is_left_to_pay_by_hand(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    user = agreed(make_user, "5")
    saving.outcomes.append(Declined(code=DeclineCode.INSUFFICIENT_FUNDS))
    assert night().declined == 1
    PaymentMethod.objects.get(user=user).remove()
    with clock.moved(dt.timedelta(days=4)):
        result = night()
    assert (result.payers, result.due, result.declined, result.is_clean) == (1, 0, 0, True)
    assert Payment.objects.get(user=user).state == Payment.State.PENDING
    assert taken(psp) == 0


def test_an_error_of_one_payer_stops_nothing(
    make_user: UserFactory, psp: SandboxPSP, caplog: pytest.LogCaptureFixture
) -> None:
    hidden, other_user = agreed(make_user, "5"), agreed(make_user, "6")
    with pytest.MonkeyPatch.context() as patch:
        real = processors.SavedMethod.serves

        def serves(self: processors.SavedMethod, user_id: Any) -> bool:
            if user_id == hidden.pk:
                raise RuntimeError("odd")
            return real(self, user_id)

        patch.setattr(processors.SavedMethod, "serves", serves)
        result = night()
    assert (result.errors, result.charged) == (1, 1)
    assert Payment.objects.charged().get().user == other_user
    assert f"User {hidden.pk}" in caplog.text


def test_an_outage_ends_the_night_and_the_next_one_goes_on(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    for _user in range(8):
        agreed(make_user, "5")
    saving.outcomes.extend([Unknown(reason="down")] * 5)
    result = night()
    assert (result.open, result.charged, result.is_clean) == (4, 0, False)
    assert "saving does not answer" in result.problems[0]
    assert night().charged == 3


def test_only_one_user_or_currency_and_no_more_than_so_many(
    make_user: UserFactory, psp: SandboxPSP
) -> None:
    ann, bob = agreed(make_user, "5"), agreed(make_user, "6")
    record(bob, "7", currency="EUR")
    assert night(user=str(bob.pk), currency="EUR").charged == 1
    assert night(limit=1).charged == 1
    assert Payment.objects.charged().filter(user=ann).exists()
    assert night(user=str(ann.pk)).due == 0
    assert night().charged == 1


def test_a_dry_run_counts_and_changes_nothing(make_user: UserFactory, psp: SandboxPSP) -> None:
    agreed(make_user, "5")
    pending(agreed(make_user), "6")
    result = night(dry_run=True)
    assert (result.payers, result.due, result.charged) == (2, 2, 0)
    assert Payment.objects.count() == 1
    assert not psp.calls


def test_a_sites_own_processor_serves_everybody_and_comes_in_its_turn(
    make_user: UserFactory, site: dict[str, Any], psp: SandboxPSP
) -> None:
    site["PROCESSORS"] = ["payments_ui.flows.processors.SavedMethod", f"{__name__}.invoice"]
    agreed(make_user, "5")
    invoiced = make_user()
    record(invoiced, "6")
    result = night()
    assert (result.charged, result.skipped) == (1, 1)
    assert [payment.user for payment in INVOICED] == [invoiced]
    assert stored(INVOICED[0]).state == Payment.State.PENDING


@pytest.mark.parametrize(
    ("paths", "problem"),
    [(["nowhere.at.all"], "does not import"), ([f"{__name__}.INVOICED"], "is no function")],
)
def test_a_processor_that_is_none_is_named(
    site: dict[str, Any], paths: list[str], problem: str
) -> None:
    site["PROCESSORS"] = paths
    with pytest.raises(ImproperlyConfigured, match=problem):
        night()


def test_psps_need_the_address_of_the_site(make_user: UserFactory, site: dict[str, Any]) -> None:
    del site["BASE_URL"]
    agreed(make_user, "5")
    with pytest.raises(ImproperlyConfigured, match="BASE_URL"):
        night()
    assert not Payment.objects.exists()


def test_what_is_kept_by_no_listed_moocher_is_not_charged(
    make_user: UserFactory, site: dict[str, Any]
) -> None:
    agreed(make_user, "5", moocher=other)
    site["MOOCHERS"] = [SAVING]
    assert night().skipped == 1
    assert not Attempt.objects.exists()


def test_options_are_json() -> None:
    options = Options(currency="CHF", user="7")
    assert Options(**options.as_dict()) == options
    assert Outcome("charged") is Outcome.CHARGED


def test_who_is_not_active_is_not_charged_unless_the_site_says_so(
    make_user: UserFactory, site: dict[str, Any], psp: SandboxPSP
) -> None:
    new, begun = agreed(make_user, "5"), agreed(make_user, "6")
    pending(begun)
    for user in (new, begun):
        user.is_active = False
        user.save()
    result = night()
    assert (result.payers, result.due, result.inactive) == (2, 0, 2)
    assert night(dry_run=True).inactive == 2
    assert not psp.calls
    site["CHARGE_INACTIVE"] = True
    assert (night().charged, taken(psp)) == (2, Decimal(11))


def test_what_a_customer_left_in_the_widget_is_charged_from_the_minimum_on(
    make_user: UserFactory, site: dict[str, Any], psp: SandboxPSP
) -> None:
    site["BILLING_MINIMUM"] = {"CHF": 10}
    little, enough = agreed(make_user, "9.99"), agreed(make_user, "10.00")
    long_ago = timezone.now() - dt.timedelta(hours=2)
    for user in (little, enough):
        Payment.objects.create_pending(user=user, by=journal.by_user(user), created_at=long_ago)
    assert (night().due, taken(psp)) == (1, Decimal(10))
    assert Payment.objects.charged().get().user == enough


def test_nobody_keeps_their_charges_waiting_by_what_they_left_in_the_widget(
    make_user: UserFactory, site: dict[str, Any], psp: SandboxPSP
) -> None:
    site["BILLING_MINIMUM"] = {"CHF": 10}
    user = agreed(make_user, "0.40")
    little = Payment.objects.create_pending(user=user, by=journal.by_user(user))
    record(user, "12")
    # For an hour it is theirs, and all waits for it.
    assert night().due == 0
    with clock.moved(dt.timedelta(hours=2)):
        assert night().charged == 1
    assert taken(psp) == Decimal(12)
    assert Payment.objects.pending().get() == little


def test_unless_they_asked_to_pay_it(make_user: UserFactory, psp: SandboxPSP) -> None:
    user = agreed(make_user, "0.40")
    long_ago = timezone.now() - dt.timedelta(hours=2)
    payment = Payment.objects.create_pending(
        user=user, by=journal.by_user(user), created_at=long_ago
    )
    assert payment is not None
    assert night().due == 0
    started(payment).record(Declined(code=DeclineCode.TRY_LATER))
    assert (night().charged, taken(psp)) == (1, Decimal("0.40"))
