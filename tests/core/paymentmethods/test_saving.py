"""Saving a payment method: consent first, then what the PSP says, in any order and number."""
# A state equals its text.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

import datetime as dt
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from payments_ui.core import signals
from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Pending,
    Unknown,
)
from payments_ui.core.models import Customer, JournalEntry, PaymentMethod
from payments_ui.core.paymentmethods.customer import CustomerQuerySet
from payments_ui.core.paymentmethods.instrument import Consent, Instrument
from payments_ui.exceptions import (
    EvidenceError,
    PaymentMethodGoneError,
)
from tests.conftest import UserFactory
from tests.core.support import (
    INSTRUMENT,
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
DECLINED = Declined(code=DeclineCode.CARD_DECLINED)


@pytest.fixture
def sent() -> Any:
    """Return what signals were sent about payment methods, in their order."""
    found: list[tuple[str, PaymentMethod]] = []

    def on_saved(payment_method: PaymentMethod, **kwargs: Any) -> None:
        found.append(("saved", payment_method))

    def on_removed(payment_method: PaymentMethod, **kwargs: Any) -> None:
        found.append(("removed", payment_method))

    signals.payment_method_saved.connect(on_saved)
    signals.payment_method_removed.connect(on_removed)
    yield found
    signals.payment_method_saved.disconnect(on_saved)
    signals.payment_method_removed.disconnect(on_removed)


def test_a_user_has_one_customer_at_each_psp_account_and_mode(
    user: User, make_user: UserFactory
) -> None:
    known = customer_of(user)
    assert Customer.objects.for_user(user, psp="cards") == known
    elsewhere: list[dict[str, Any]] = [{"psp": "else"}, {"account": "acct_2"}, {"live": True}]
    for other in elsewhere:
        assert Customer.objects.for_user(user, **{"psp": "cards", **other}) != known
    assert Customer.objects.for_user(make_user(), psp="cards") != known


def test_the_psps_name_of_a_customer_is_stored_once(user: User) -> None:
    customer = Customer.objects.for_user(user, psp="cards")
    assert (customer.name("cus_1").customer_id, customer.name("cus_2").customer_id) == (
        "cus_1",
        "cus_1",
    )


def test_what_the_user_agreed_to_is_written_down_before_anything_is_saved(user: User) -> None:
    method = saving(user, unattended="Charge it without me.").as_stored()
    assert (method.state, method.method_id, method.is_default) == (State.PENDING, None, False)
    assert (method.consent_text, method.consent_version) == ("Save it.", "v1")
    assert (method.unattended_text, method.consent_ip) == ("Charge it without me.", "192.0.2.1")
    assert method.allows_unattended
    assert journalled(Verb.METHOD_STARTED) == 1


def test_what_the_psp_keeps_is_in_use_and_the_default(user: User, sent: Any) -> None:
    method = saved(user)
    assert (method.state, method.method_id, method.last_four) == (State.ACTIVE, "pm_1", "4242")
    assert (method.is_default, method.customer_id) == (True, f"cus_{user.pk}")
    assert list(user.user_payment_methods.active()) == [method]
    assert str(method).endswith("cards active")
    assert journalled(Verb.METHOD_CHANGED) == journalled(Verb.METHOD_DEFAULT) == 1


@pytest.mark.django_db(transaction=True)
def test_the_site_is_told_after_the_commit(user: User, sent: Any) -> None:
    method = saved(user)
    method.remove(reason="asked")
    assert sent == [("saved", method), ("removed", method)]
    assert method.as_stored().signal_due_at is None


def test_saying_it_again_changes_nothing(user: User) -> None:
    method = saved(user)
    before = JournalEntry.objects.count()
    for outcome in (
        kept(method),
        DECLINED,
        Cancelled(),
        ActionRequired(url="https://x"),
        Pending(),
    ):
        assert method.record(outcome).state == State.ACTIVE
    assert JournalEntry.objects.count() == before


@pytest.mark.parametrize("late", list(permutations([0, 1, 2, 3])))
def test_whatever_order_reports_come_in_what_is_kept_is_in_use(
    user: User, late: tuple[int, ...]
) -> None:
    method = saving(user)
    step = ActionRequired(url="https://bank.example/", psp_reference="seti_pm_1")
    reports = (step, DECLINED, kept(method), Unknown(reason="silence"))
    for number in late:
        method.record(reports[number])
    stored = method.as_stored()
    assert (stored.state, stored.psp_reference) == (State.ACTIVE, "seti_pm_1")
    assert (stored.action_url, stored.failure_code) == ("", "")


def test_a_step_of_the_customer_is_waited_for(user: User) -> None:
    method = saving(user).record(ActionRequired(url="https://bank.example/"))
    assert (method.state, method.action_url) == (State.PENDING, "https://bank.example/")
    assert method.record(DECLINED).action_url == ""


def test_a_decline_says_why(user: User) -> None:
    method = saving(user).record(Declined(code=DeclineCode.EXPIRED_CARD))
    assert method.state == State.FAILED
    assert "expired" in str(method.failure_message)
    other = saving(user).record(Cancelled())
    assert str(other.failure_message) == str(DeclineCode.GENERIC.label)


def test_what_is_no_outcome_of_saving_is_refused(user: User) -> None:
    attempt = started(pending(user, "5"))
    with pytest.raises(TypeError, match="no outcome of saving"):
        saving(user).record(money_of(attempt))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "facts",
    [{"customer_id": "cus_of_somebody_else"}, {"method_id": "pm_1"}],
)
def test_what_belongs_to_somebody_else_is_not_used(
    user: User, facts: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    saved(user)
    method = saving(user)
    assert method.record(kept(method, **{"method_id": "pm_2", **facts})).state == State.FAILED
    assert method.record(kept(method, **{"method_id": "pm_2", **facts})).method_id is None
    assert "is not this one" in caplog.text


def test_the_same_card_saved_again_replaces_the_older_one(
    user: User, make_user: UserFactory
) -> None:
    older, another = saved(user), saved(user, method_id="pm_2", fingerprint="f2")
    stranger = saved(make_user())
    newer = saved(user, method_id="pm_3", unattended="Charge it without me.")
    assert older.as_stored().state == State.REMOVING
    assert (newer.is_default, another.as_stored().is_default) == (True, False)
    assert stranger.as_stored().state == State.ACTIVE


def test_cards_without_a_fingerprint_are_not_the_same(user: User) -> None:
    older = saved(user, fingerprint="")
    saved(user, method_id="pm_2", fingerprint="")
    assert older.as_stored().state == State.ACTIVE


def test_what_makes_no_sense_of_a_card_is_left_out() -> None:
    odd = Instrument(
        customer_id="cus_1",
        method_id="pm_1",
        last_four="4242 4242 4242 4242",
        expires_year=2030,
        expires_month=13,
        country="Switzerland",
        brand="4242424242424242",
    )
    columns = odd.columns
    assert (columns["last_four"], columns["country"]) == ("", "")
    assert (columns["expires_year"], columns["expires_month"]) == (None, None)
    assert columns["brand"] == "[card 4242]"


def test_what_the_psp_says_later_is_stored_and_the_evidence_kept(user: User) -> None:
    method = saved(user, mandate_id="mandate_1", authentication="authenticated")
    news = {**INSTRUMENT, "customer_id": method.customer_id, "expires_year": 2101}
    method = method.update_instrument(Instrument(**news))
    assert (method.expires_year, method.mandate_id) == (2101, "mandate_1")
    assert method.authentication == "authenticated"
    method.remove()
    gone = method.update_instrument(Instrument(**{**news, "expires_year": 2102}))
    assert gone.expires_year == 2101


def test_saving_with_a_customer_who_was_removed_is_refused(user: User) -> None:
    customer = customer_of(user)
    PaymentMethod.objects.remove_all(user)
    with pytest.raises(PaymentMethodGoneError, match="was removed"):
        saving(user, customer=customer)
    assert Customer.objects.for_user(user, psp="cards") != customer


def test_rows_are_evidence(user: User) -> None:
    method = saved(user)
    for write in (method.save, method.delete, method.psp_customer.save):
        with pytest.raises(EvidenceError):
            write()


@pytest.mark.parametrize(
    ("facts", "label"),
    [
        ({}, "Visa ending 4242"),
        ({"brand": "", "kind": "twint", "last_four": ""}, "TWINT"),
        ({"brand": "new_brand", "last_four": "1"}, "New brand ending 1"),
        ({"brand": "", "kind": "sepa_debit", "last_four": "3000"}, "SEPA ending 3000"),
    ],
)
def test_customers_know_it_by_its_brand_and_digits(
    user: User, facts: dict[str, str], label: str
) -> None:
    assert saved(user, **facts).label == label


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize(
    ("months", "expired", "expiring"),
    [(-1, True, False), (0, False, True), (1, False, True), (2, False, False)],
)
def test_it_says_whether_it_expires(
    user: User, settings: Any, use_tz: bool, months: int, expired: bool, expiring: bool
) -> None:
    today = timezone.localdate()
    method = saved(user)
    settings.USE_TZ = use_tz
    years, month = divmod(today.month - 1 + months, 12)
    method.expires_year, method.expires_month = today.year + years, month + 1
    assert (method.is_expired, method.is_expiring) == (expired, expiring)
    method.expires_month = None
    assert (method.is_expired, method.is_expiring) == (False, False)


def test_an_attempt_saves_what_it_charged(user: User) -> None:
    attempt = started(pending(user, "5"))
    method = saving(user, attempt=attempt)
    money = money_of(attempt, psp_reference="ch_1", instrument=kept(method).instrument)
    assert attempt.record(money).state == "settled"
    stored = method.as_stored()
    assert stored.state == State.ACTIVE
    assert stored.last_used_at is not None


@pytest.mark.parametrize("outcome", [DECLINED, Cancelled(), None])
def test_an_attempt_that_keeps_nothing_saves_nothing(user: User, outcome: Any) -> None:
    attempt = started(pending(user, "5"))
    method = saving(user, attempt=attempt)
    attempt.record(outcome or money_of(attempt))
    assert method.as_stored().state == State.FAILED


def test_late_money_saves_it_late(user: User) -> None:
    attempt = started(pending(user, "5"))
    method = saving(user, attempt=attempt)
    attempt.record(DECLINED)
    attempt.record(money_of(attempt, instrument=kept(method).instrument))
    assert method.as_stored().state == State.ACTIVE


def test_late_money_saves_nothing_of_somebody_who_has_left(user: User) -> None:
    attempt = started(pending(user, "5"))
    method = saving(user, attempt=attempt)
    attempt.record(DECLINED)
    PaymentMethod.objects.remove_all(user)
    attempt.record(money_of(attempt, instrument=kept(method).instrument))
    assert attempt.as_stored().state == "settled"
    assert method.as_stored().state == State.FAILED


def test_what_nobody_agreed_to_is_not_stored(user: User) -> None:
    attempt = started(pending(user, "5"))
    facts = {**INSTRUMENT, "customer_id": "cus_1"}
    attempt.record(money_of(attempt, instrument=Instrument(**facts)))
    assert not PaymentMethod.objects.exists()


def test_an_attempt_names_what_it_charges(user: User, make_user: UserFactory) -> None:
    method = saved(user)
    attempt = started(pending(user, "5"), payment_method=method)
    attempt.record(money_of(attempt))
    assert attempt.as_stored().payment_method == method
    assert method.as_stored().last_used_at is not None


def test_no_attempt_starts_with_what_was_removed(user: User) -> None:
    method = saved(user)
    method.remove()
    with pytest.raises(PaymentMethodGoneError):
        started(pending(user, "5"), payment_method=method)


def test_a_charges_name_at_the_psp_is_stored_once(user: User) -> None:
    attempt = started(pending(user, "5"))
    assert attempt.name_reference("pi_1")
    assert attempt.psp_reference == "pi_1"
    assert attempt.name_reference("pi_1")
    assert not attempt.name_reference("pi_2")
    other = started(pending(user, "7"))
    assert not other.name_reference("pi_1")
    assert other.as_stored().psp_reference is None


def test_consent_has_a_time(user: User) -> None:
    given = timezone.now() - dt.timedelta(minutes=1)
    consent = Consent(text="Save it.", version="v1", given_at=given)
    method = customer_of(user).start_saving(moocher="cards", consent=consent)
    assert method.as_stored().consent_given_at == given
    assert not method.allows_unattended


def test_money_is_booked_whatever_is_said_of_where_it_came_from(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    attempt = started(pending(user, "5"))
    method = saving(user, attempt=attempt)
    odd: Any = kept(method, last_four=4242).instrument
    assert attempt.record(money_of(attempt, instrument=odd)).state == "settled"
    assert method.as_stored().state == State.PENDING
    assert "could not be stored" in caplog.text


def test_a_lock_conflict_while_saving_is_no_lost_card(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = started(pending(user, "5"))
    method = saving(user, attempt=attempt)
    conflict = OperationalError("database is locked")

    def locked(self: PaymentMethod, *args: Any, **kwargs: Any) -> None:
        raise conflict

    monkeypatch.setattr(PaymentMethod, "record", locked)
    with pytest.raises(OperationalError):
        attempt.record(money_of(attempt, instrument=kept(method).instrument))
    assert attempt.as_stored().is_open


def test_two_requests_at_once_write_one_customer_down(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Customer.objects.for_user(user, psp="cards")
    looked: list[object] = []
    seen = CustomerQuerySet.current

    def too_early(rows: CustomerQuerySet) -> Any:
        looked.append(rows)
        return rows.none() if len(looked) == 1 else seen(rows)

    monkeypatch.setattr(CustomerQuerySet, "current", too_early)
    assert Customer.objects.for_user(user, psp="cards") == first
