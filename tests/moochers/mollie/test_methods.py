"""Mandates of Mollie as saved payment methods."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Succeeded,
    Unknown,
)
from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.core.paymentmethods.instrument import Instrument
from payments_ui.core.paymentmethods.outcomes import Saved
from payments_ui.exceptions import MoocherError, RequestRefusedError
from payments_ui.moochers.mollie import MollieMoocher
from payments_ui.moochers.mollie.methods import instrument_of
from payments_ui.testing.psp import SandboxPSP

from .conftest import URLS, new_moocher, pay, saved_method


@pytest.fixture
def customer(moocher: MollieMoocher, user: User) -> str:
    return moocher.create_customer(user, key="customer-1")


def first_payment(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt, customer: str
) -> Instrument:
    opened = pay(moocher, attempt, save="on_session", customer_id=customer)
    psp.decide(opened.action_url, "approve")
    outcome = moocher.ask(opened)
    assert isinstance(outcome, Succeeded)
    assert outcome.instrument is not None
    return outcome.instrument


def test_a_first_payment_tells_what_was_saved(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt, customer: str
) -> None:
    card = first_payment(psp, moocher, attempt, customer)
    assert (card.customer_id, card.kind, card.brand) == (customer, "card", "visa")
    assert (card.last_four, card.expires_year, card.expires_month) == ("4242", 2034, 12)
    assert (card.country, card.authentication) == ("CH", "3dsecure")
    assert card.fingerprint


def test_a_payment_that_saves_nothing_names_no_method(paid: Attempt) -> None:
    assert "mandateId" not in paid.evidence


def test_a_mandate_that_is_gone_already_hinders_no_payment(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt, customer: str
) -> None:
    card = first_payment(psp, moocher, attempt, customer)
    moocher.forget(saved_method(customer, method_id=card.method_id))
    attempt.refresh_from_db()
    outcome = moocher.ask(attempt)
    assert isinstance(outcome, Succeeded)
    assert outcome.instrument is None


def test_a_saved_method_is_charged_at_once(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt, customer: str
) -> None:
    card = first_payment(psp, moocher, attempt, customer)
    method = saved_method(customer, method_id=card.method_id)
    outcome = moocher.charge(another(attempt), data={"payment_method": method}, urls=URLS)
    assert isinstance(outcome, Succeeded)
    assert outcome.amount == Decimal("12.00")
    assert psp.ledger.totals()["CHF"].taken == 2400


@pytest.mark.parametrize("how", ["revoked", "stranger"])
def test_a_method_that_is_gone_or_somebody_elses_is_declined_and_takes_nothing(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt, customer: str, user: User, how: str
) -> None:
    card = first_payment(psp, moocher, attempt, customer)
    method = saved_method(customer, method_id=card.method_id)
    if how == "revoked":
        moocher.forget(method)
    else:
        method = saved_method(moocher.create_customer(user, key="2"), method_id=card.method_id)
    assert moocher.describe(method) is None
    outcome = moocher.charge(another(attempt), data={"payment_method": method}, urls=URLS)
    assert isinstance(outcome, Declined)
    assert outcome.code == DeclineCode.METHOD_GONE
    assert psp.ledger.totals()["CHF"].taken == 1200


def test_a_card_is_saved_without_a_payment(
    psp: SandboxPSP, moocher: MollieMoocher, customer: str
) -> None:
    method = saved_method(customer)
    opened = moocher.save(method, data={}, urls=URLS)
    assert isinstance(opened, ActionRequired)
    method.psp_reference = opened.psp_reference
    assert moocher.ask_saved(method) == opened
    psp.mollie.decide(opened.url, "approve")
    saved = moocher.ask_saved(method)
    assert isinstance(saved, Saved)
    assert saved.instrument.last_four == "4242"
    assert saved.psp_reference == opened.psp_reference
    assert not psp.ledger.totals()
    method.method_id = saved.instrument.method_id
    described = moocher.describe(method)
    assert described is not None
    # These the payment knew, and the mandate does not.
    known = replace(saved.instrument, country="", authentication="")
    assert described == known


@pytest.mark.parametrize(("decision", "kind"), [("refuse", Declined), ("cancel", Cancelled)])
def test_a_card_that_is_not_saved_in_the_end(
    psp: SandboxPSP, moocher: MollieMoocher, customer: str, decision: str, kind: type
) -> None:
    method = saved_method(customer)
    opened: Any = moocher.save(method, data={}, urls=URLS)
    method.psp_reference = opened.psp_reference
    psp.mollie.decide(opened.url, decision)
    psp.mollie.decide(opened.url, "approve")
    assert isinstance(moocher.ask_saved(method), kind)


def test_a_lost_reply_is_found_among_the_customers_payments(
    psp: SandboxPSP, moocher: MollieMoocher, customer: str
) -> None:
    method = saved_method(customer)
    assert isinstance(moocher.ask_saved(method), Unknown)
    psp.plan.add("lost_reply", on="create")
    with pytest.raises(MoocherError):
        moocher.save(method, data={}, urls=URLS)
    assert isinstance(moocher.ask_saved(method), ActionRequired)


def test_a_mandate_that_was_revoked_at_once_saved_nothing(
    psp: SandboxPSP, moocher: MollieMoocher, customer: str
) -> None:
    method = saved_method(customer)
    opened: Any = moocher.save(method, data={}, urls=URLS)
    method.psp_reference = opened.psp_reference
    psp.mollie.decide(opened.url, "approve")
    saved: Any = moocher.ask_saved(method)
    method.method_id = saved.instrument.method_id
    moocher.forget(method)
    gone = moocher.ask_saved(method)
    assert isinstance(gone, Declined)
    assert gone.code == DeclineCode.METHOD_GONE


def test_forgetting_twice_is_forgetting_once(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt, customer: str
) -> None:
    card = first_payment(psp, moocher, attempt, customer)
    method = saved_method(customer, method_id=card.method_id)
    for _time in range(2):
        moocher.forget(method)
    assert moocher.describe(method) is None


def test_what_is_not_saved_yet_is_called_off_first(
    psp: SandboxPSP, moocher: MollieMoocher, customer: str
) -> None:
    method = saved_method(customer)
    opened: Any = moocher.save(method, data={}, urls=URLS)
    method.psp_reference = opened.psp_reference
    with pytest.raises(RequestRefusedError, match="cannot be canceled"):
        moocher.forget(method)
    psp.mollie.decide(opened.url, "approve")
    moocher.forget(method)
    gone = moocher.ask_saved(method)
    assert isinstance(gone, Declined)
    assert gone.code == DeclineCode.METHOD_GONE


def test_a_request_to_save_that_never_arrived_is_given_up_when_it_cannot_arrive_any_more(
    moocher: MollieMoocher, customer: str
) -> None:
    method = saved_method(customer)
    with pytest.raises(MoocherError, match="may arrive"):
        moocher.forget(method)
    method.created_at -= dt.timedelta(minutes=3)
    moocher.forget(method)


@pytest.mark.parametrize("is_known", [True, False])
def test_what_a_payment_has_saved_along_is_given_up(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt, customer: str, is_known: bool
) -> None:
    opened = pay(moocher, attempt, save="on_session", customer_id=customer)
    method = saved_method(customer, attempt=opened if is_known else attempt)
    with pytest.raises(RequestRefusedError, match="cannot be canceled"):
        moocher.forget(method)
    psp.decide(opened.action_url, "approve")
    moocher.forget(method)
    outcome = moocher.ask(opened)
    assert isinstance(outcome, Succeeded)
    assert outcome.instrument is None


def test_a_first_payment_that_is_on_its_way_is_waited_for(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt, customer: str
) -> None:
    psp.plan.add("processing")
    opened = pay(moocher, attempt, save="on_session", customer_id=customer)
    psp.decide(opened.action_url, "approve")
    with pytest.raises(MoocherError, match="not ended"):
        moocher.forget(saved_method(customer, attempt=opened))


def test_deleting_a_customer_leaves_nothing_to_charge(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt, customer: str
) -> None:
    card = first_payment(psp, moocher, attempt, customer)
    for _time in range(2):
        moocher.delete_customer(customer)
    assert moocher.describe(saved_method(customer, method_id=card.method_id)) is None


def test_nothing_is_forgotten_where_mollie_does_not_answer(
    psp: SandboxPSP, moocher: MollieMoocher, customer: str
) -> None:
    psp.plan.outage(60)
    with pytest.raises(MoocherError):
        moocher.forget(saved_method(customer, method_id="mdt_1"))
    with pytest.raises(MoocherError):
        moocher.delete_customer(customer)


def test_a_customer_is_made_once_per_key(
    psp: SandboxPSP, moocher: MollieMoocher, user: User
) -> None:
    assert moocher.create_customer(user, key="1") == moocher.create_customer(user, key="1")
    assert moocher.create_customer(user, key="2") != moocher.create_customer(user, key="1")


def test_a_customer_without_an_address_is_made_too(moocher: MollieMoocher, user: User) -> None:
    user.email = ""
    assert moocher.create_customer(user, key="1").startswith("cst_")


def test_another_refusal_is_left_to_the_kit(psp: SandboxPSP, attempt: Attempt) -> None:
    stranger = new_moocher(psp, api_key="test_other")
    with pytest.raises(RequestRefusedError):
        stranger.charge(attempt, data={}, urls=URLS)


MANDATE = {"id": "mdt_1", "status": "valid", "method": "directdebit", "details": {}}


def mandate(**details: Any) -> Any:
    found = {**MANDATE, "details": details}
    return instrument_of(found, customer="cst_1", payment={})


def test_of_an_account_its_end_is_kept_and_of_an_address_nothing() -> None:
    assert mandate(consumerAccount="NL55 INGB 0000 0012 34").last_four == "1234"
    assert mandate(consumerAccount="ada@example.com").last_four == ""
    assert mandate(cardNumber="4242 4242 4242 4242").last_four == "4242"


def test_words_are_those_of_other_services() -> None:
    assert (mandate().kind, mandate().brand) == ("sepa_debit", "")
    assert mandate(cardLabel="American Express").brand == "amex"
    assert mandate(cardLabel="Carta Si").brand == "carta_si"


def test_an_account_never_expires() -> None:
    assert (mandate().expires_year, mandate().expires_month) == (None, None)
    assert mandate(cardExpiryDate="soon").expires_year is None


@pytest.mark.parametrize("status", ["resting", None])
def test_a_mandate_that_makes_no_sense_is_no_answer(status: Any) -> None:
    with pytest.raises(MoocherError, match="unknown status"):
        instrument_of({**MANDATE, "status": status}, customer="cst_1", payment={})


def test_a_mandate_may_be_pending_and_may_not_be_invalid() -> None:
    pending = instrument_of({**MANDATE, "status": "pending"}, customer="cst_1", payment={})
    assert pending is not None
    assert instrument_of({**MANDATE, "status": "invalid"}, customer="c", payment={}) is None


def another(attempt: Attempt) -> Attempt:
    """An attempt to charge another payment of the same user."""
    user = attempt.payment.user
    LineItem.objects.record(user=user, title="More", amount=Decimal(12))
    payment = Payment.objects.create_pending(user=user)
    assert payment
    return payment.start_attempt(moocher="mollie", account="pfl_shop")


def test_a_first_payment_without_a_mandate_is_paid_all_the_same(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt, customer: str
) -> None:
    opened = pay(moocher, attempt, save="on_session", customer_id=customer)
    psp.decide(opened.action_url, "approve")
    with psp.ledger.documents.changing("mollie_payment", opened.psp_reference or "") as document:
        document["mandate"] = ""
    outcome = moocher.ask(opened)
    assert isinstance(outcome, Succeeded)
    assert outcome.instrument is None
