"""Declined at night: tried again on the days that were planned, told, and stopped in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core import clock, signals
from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Pending
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.models import Attempt, JournalEntry, Payment, PaymentMethod, Recovery
from payments_ui.core.recoveries.verbs import card_of
from payments_ui.exceptions import PaymentGoneError, PaymentMethodGoneError
from payments_ui.flows import redeliver
from payments_ui.flows.charge_payers import NightResult, Options, charge_payers
from payments_ui.flows.reconcile import reconcile
from payments_ui.testing.psp import SandboxPSP
from tests.conftest import UserFactory
from tests.core.support import bare, record, together
from tests.fakes import taken
from tests.saving import OTHER, SAVING, other, saved, saving

pytestmark = pytest.mark.django_db
NO_MONEY = Declined(code=DeclineCode.INSUFFICIENT_FUNDS)
STOLEN = Declined(code=DeclineCode.GENERIC, evidence={"decline_code": "stolen_card"})
State = Recovery.State
Verb = JournalEntry.Verb


@pytest.fixture(autouse=True)
def site(settings: Settings, psp: SandboxPSP) -> dict[str, Any]:
    given: dict[str, Any] = {
        "MOOCHERS": [SAVING, OTHER],
        "BASE_URL": "https://shop.example",
        "BILLING_SCHEDULE": "payments_ui.core.billing.schedules.nightly",
        "RETRY_HOURS": (0, 24),
    }
    settings.PAYMENTS_UI = given
    return given


@pytest.fixture
def payer(user: User) -> User:
    """Return somebody who owes five francs, and agreed to be charged."""
    saved(user, unattended="Charge me.")
    record(user, "5")
    return user


@pytest.fixture
def given_up() -> Iterator[list[Recovery]]:
    """Return what the site is told."""
    told: list[Recovery] = []

    def note(recovery: Recovery, **_others: Any) -> None:
        told.append(recovery)

    signals.recovery_given_up.connect(note, weak=False)
    yield told
    signals.recovery_given_up.disconnect(note)


def night(day: int) -> NightResult:
    """Run the command so many days from now; attempts of former nights are as old then."""
    with clock.moved(dt.timedelta(days=day, minutes=1)):
        return charge_payers(options=Options())


def decline(day: int, outcome: Declined = NO_MONEY) -> Recovery:
    """Have a night end with a decline, and write down that it was that day."""
    saving.outcomes.append(outcome)
    assert night(day).declined == 1
    latest = Attempt.objects.order_by("-started_at")[0]
    at = timezone.now() + dt.timedelta(days=day)
    unguarded(latest).update(ended_at=at)
    recovery: Recovery = Recovery.objects.get()
    return recovery


@pytest.mark.django_db(transaction=True)
def test_four_tries_in_fourteen_days_then_the_site_decides(
    payer: User, psp: SandboxPSP, given_up: list[Recovery]
) -> None:
    tried = []
    for day in range(21):
        saving.outcomes.append(NO_MONEY)
        if night(day).declined:
            tried.append(day)
        saving.outcomes.clear()
    assert tried == [0, 3, 8, 14]
    recovery = Recovery.objects.get()
    assert (recovery.state, recovery.tries, recovery.next_try_at) == (State.GIVEN_UP, 4, None)
    assert given_up == [recovery]
    assert recovery.payment.state == Payment.State.PENDING
    verbs = list(
        JournalEntry.objects.filter(verb__startswith="recovery").order_by("id").values_list("verb")
    )
    assert verbs == [(Verb.RECOVERY_PLANNED,)] * 3 + [(Verb.RECOVERY_STOPPED,)]
    assert not psp.calls


def test_the_second_try_takes_the_money(payer: User, psp: SandboxPSP) -> None:
    decline(0)
    assert [night(1).due, night(2).due, night(3).charged] == [0, 0, 1]
    assert taken(psp) == Decimal(5)
    assert not Recovery.objects.unpaid().exists()


def test_charges_that_come_meanwhile_wait(payer: User) -> None:
    decline(0)
    record(payer, "7")
    assert night(1).due == 0
    assert Payment.objects.count() == 1


def test_never_again_after_a_hard_decline_also_for_charges_to_come(
    payer: User, psp: SandboxPSP
) -> None:
    recovery = decline(0, STOLEN)
    assert (recovery.state, recovery.why) == (State.WAITING, "hard decline stolen_card")
    assert not any(night(day).due for day in (3, 8, 40))
    recovery.payment.cancel_pending()
    assert night(41).due == 0
    assert not psp.calls


def test_a_card_that_has_worked_since_is_charged_again(payer: User, psp: SandboxPSP) -> None:
    # As one whose bank wanted a step, which the customer took when paying in the widget.
    wants_step = Declined(code=DeclineCode.AUTHENTICATION_REQUIRED)
    recovery = decline(0, wants_step)
    method = PaymentMethod.objects.get()
    attempt = recovery.payment.start_attempt(moocher="saving", payment_method=method)
    attempt.record(attempt.exact_outcome(psp_reference="by-hand"))
    unguarded(recovery).update(failed_at=timezone.now() - dt.timedelta(days=1))
    record(payer, "8")
    assert night(30).charged == 1


def test_again_as_soon_as_the_customer_changes_the_card(payer: User, psp: SandboxPSP) -> None:
    decline(0, STOLEN)
    new = saved(payer, other, unattended="Charge me.")
    new.make_default()
    assert night(0).charged == 1
    assert Attempt.objects.get(state=Attempt.State.SETTLED).payment_method == new


def test_a_renewed_card_is_another_one(payer: User, psp: SandboxPSP) -> None:
    decline(0, STOLEN)
    method = PaymentMethod.objects.get()
    key = method.method_id or ""
    saving.kept[key] = replace(saving.kept[key], expires_year=2098)
    method.update_instrument(saving.kept[key])
    assert night(1).charged == 1


def test_tries_with_another_card_are_counted_from_one(payer: User) -> None:
    decline(0)
    saved(payer, other, unattended="Charge me.").make_default()
    other.outcomes.append(NO_MONEY)
    night(1)
    assert Recovery.objects.get().tries == 1


def test_a_card_is_not_declined_more_often_than_networks_allow(
    payer: User, site: dict[str, Any]
) -> None:
    site["CARD_LIMITS"] = {30: 2}
    decline(0)
    decline(3)
    assert [night(day).due for day in (8, 14, 20)] == [0, 0, 0]
    assert night(34).due == 1


def test_the_same_card_saved_again_shares_its_limits(payer: User, site: dict[str, Any]) -> None:
    site["CARD_LIMITS"] = {30: 1}
    decline(0)
    bare(PaymentMethod).update(fingerprint="same")
    again = saved(payer, other, unattended="Charge me.", fingerprint="same")
    again.make_default()
    assert night(1).due == 0


def test_one_without_fingerprint_is_counted_by_itself(payer: User, site: dict[str, Any]) -> None:
    site["CARD_LIMITS"] = {30: 1}
    decline(0)
    bare(PaymentMethod).update(fingerprint="")
    assert night(3).due == 0


def test_a_decline_that_comes_later_by_webhook_counts_too(payer: User) -> None:
    saving.outcomes.append(Pending(psp_reference="debit-1"))
    assert night(0).open == 1
    Attempt.objects.get().record(NO_MONEY)
    assert Recovery.objects.get().state == State.PLANNED


def test_what_never_reached_the_bank_is_no_decline(payer: User) -> None:
    saving.outcomes.append(Declined(code=DeclineCode.NEVER_HAPPENED))
    assert night(0).declined == 1
    assert not Recovery.objects.exists()


def test_what_a_customer_pays_in_person_begins_no_recovery(payer: User) -> None:
    payment = Payment.objects.create_pending(user=payer)
    assert payment is not None
    payment.start_attempt(moocher="saving").record(NO_MONEY)
    assert not Recovery.objects.exists()


def test_a_clerk_stops_the_tries_or_has_it_tried_again(payer: User, psp: SandboxPSP) -> None:
    recovery = decline(0)
    recovery.stop(by="user:1", reason="They called.")
    assert (recovery.state, night(3).due) == (State.WAITING, 0)
    recovery.plan(by="user:1", reason="They called again.")
    assert JournalEntry.objects.filter(actor="user:1").count() == 2
    assert night(3).charged == 1
    recovery.refresh_from_db()
    with pytest.raises(PaymentGoneError):
        recovery.plan()


def test_what_a_bank_forbids_no_clerk_allows(payer: User) -> None:
    recovery = decline(0, STOLEN)
    with pytest.raises(PaymentMethodGoneError):
        recovery.plan(by="user:1")
    assert night(3).due == 0


def test_a_site_names_the_moment(payer: User) -> None:
    recovery = decline(0)
    recovery.plan(at=timezone.now() + dt.timedelta(days=10))
    assert [night(3).due, night(11).charged] == [0, 1]


def test_hours_are_those_of_the_payer(payer: User, site: dict[str, Any]) -> None:
    site["RETRY_HOURS"] = (9, 10)
    at = decline(0).next_try_at
    assert at is not None
    assert clock.local(at).hour == 9


@pytest.fixture
def in_auckland(payer: User, site: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Recovery:
    """Return a payment that is to be tried on 7 May from nine o'clock on, by clocks in Auckland."""
    site |= {"RETRY_HOURS": (9, 18), "TIME_ZONE_OF": f"{__name__}.auckland"}
    recovery = decline(0)
    unguarded(recovery).update(next_try_at=AUCKLAND_AT_NINE)
    recovery.refresh_from_db()
    return recovery


AUCKLAND_AT_NINE = dt.datetime(2030, 5, 6, 21, tzinfo=dt.UTC)


def auckland(_user: User) -> str:
    return "Pacific/Auckland"


def night_at(moment: dt.datetime) -> NightResult:
    with clock.moved(moment - timezone.now()):
        return charge_payers(options=Options())


def test_a_run_at_night_tries_nobody_again_who_sleeps(
    in_auckland: Recovery, psp: SandboxPSP
) -> None:
    # In Auckland it is eight in the evening, then three in the morning, then nine.
    evening, night, morning = (AUCKLAND_AT_NINE + dt.timedelta(hours=h) for h in (11, 18, 24))
    found = night_at(evening)
    assert (found.due, found.later) == (0, 1)
    assert night_at(night).later == 1
    assert not psp.calls
    found = night_at(morning)
    assert (found.charged, found.later) == (1, 0)


def test_a_site_that_runs_by_night_only_is_not_kept_waiting_for_ever(
    in_auckland: Recovery,
) -> None:
    # Each night at three, by clocks in Auckland.
    days = [AUCKLAND_AT_NINE + dt.timedelta(days=day, hours=18) for day in range(3)]
    assert [night_at(at).charged for at in days] == [0, 0, 1]


def test_who_plans_a_try_by_night_gets_it(in_auckland: Recovery) -> None:
    at = AUCKLAND_AT_NINE + dt.timedelta(hours=18)
    in_auckland.plan(at=at, by="user:1")
    assert night_at(at + dt.timedelta(minutes=5)).charged == 1


def test_a_site_that_was_not_told_is_told_later(
    payer: User, site: dict[str, Any], given_up: list[Recovery]
) -> None:
    site["RETRY_AFTER_DAYS"] = ()
    recovery = decline(0)
    given_up.clear()
    unguarded(recovery).update(signal_due_at=timezone.now() - dt.timedelta(hours=1))
    assert not redeliver.unsent_recoveries("other").exists()
    assert redeliver.unsent_recoveries("saving").exists()
    assert reconcile().signals_sent == 1
    assert given_up == [recovery]
    assert reconcile().signals_sent == 0


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_try_once(payer: User) -> None:
    decline(0)
    saving.outcomes.extend([NO_MONEY, NO_MONEY])
    together(2, lambda _number: night(3))
    assert Attempt.objects.count() == 2
    assert Recovery.objects.get().tries == 2


def test_what_is_compared_is_the_card_and_how_often_it_was_renewed(make_user: UserFactory) -> None:
    method = saved(make_user())
    kept = saving.kept[method.method_id or ""]
    cards = [card_of(method.update_instrument(kept))]
    for month in (8, 8, None):
        changed = replace(kept, expires_month=month)
        cards.append(card_of(method.update_instrument(changed)))
    assert [card.rpartition("/")[2] for card in cards] == ["0", "1", "1", "2"]
    # What the PSP did not say before is no renewal.
    assert card_of(method.update_instrument(kept)) == cards[-1]
    assert card_of(None) == ""
    assert str(Recovery(payment_id=method.pk, state="planned")).endswith(" planned")
    assert "enough money" in str(Recovery(failure_code="insufficient_funds").failure_message)


def test_what_a_bank_has_forbidden_meanwhile_no_clerk_allows(payer: User) -> None:
    on_the_page = decline(0)
    decline(3, STOLEN)
    with pytest.raises(PaymentMethodGoneError):
        on_the_page.plan(by="user:1")
    assert Recovery.objects.get().state == State.WAITING


def test_a_card_that_was_refused_for_good_stays_so_while_another_one_is_tried(
    payer: User, psp: SandboxPSP
) -> None:
    decline(0, STOLEN)
    stolen = PaymentMethod.objects.get()
    new = saved(payer, other, unattended="Charge me.")
    new.make_default()
    other.outcomes.append(NO_MONEY)
    assert night(1).declined == 1
    new.remove()
    stolen.make_default()
    assert [night(day).due for day in (2, 9, 40)] == [0, 0, 0]
    assert not psp.calls


def in_person(user: User, outcome: Declined, method: PaymentMethod) -> Payment:
    """Have the user pay with this card in the widget, where the bank declines it."""
    payment: Payment | None = Payment.objects.create_pending(user=user)
    assert payment is not None
    payment.start_attempt(moocher="saving", payment_method=method).record(outcome)
    return payment


def test_nor_is_one_charged_that_a_bank_refused_for_good_while_its_user_was_there(
    payer: User, psp: SandboxPSP
) -> None:
    in_person(payer, STOLEN, PaymentMethod.objects.get())
    assert [night(day).charged for day in (2, 40)] == [0, 0]
    assert not psp.calls


def test_a_typing_error_of_a_user_who_was_there_forbids_nothing(payer: User) -> None:
    mistyped = Declined(code=DeclineCode.INCORRECT_DETAILS, evidence={"code": "incorrect_cvc"})
    in_person(payer, mistyped, PaymentMethod.objects.get())
    assert night(2).charged == 1


def test_declines_in_person_count_against_a_cards_limits(payer: User, site: dict[str, Any]) -> None:
    site["CARD_LIMITS"] = {30: 1}
    in_person(payer, NO_MONEY, PaymentMethod.objects.get())
    assert night(2).charged == 0
    assert night(31).charged == 1


def test_a_card_that_two_users_have_saved_is_one_card_for_its_network(
    payer: User, make_user: UserFactory, site: dict[str, Any]
) -> None:
    site["CARD_LIMITS"] = {30: 1}
    decline(0)
    bare(PaymentMethod).update(fingerprint="same")
    partner = make_user()
    saved(partner, unattended="Charge me.", fingerprint="same")
    record(partner, "6")
    assert night(1).due == 0
    assert night(32).charged == 2
