"""Saving cards at Stripe, charging them again, and giving them up."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Succeeded,
    Unknown,
)
from payments_ui.core.models import Attempt, Customer, PaymentMethod
from payments_ui.core.paymentmethods.instrument import Consent
from payments_ui.core.paymentmethods.outcomes import Saved
from payments_ui.exceptions import MoocherError, RequestRefusedError
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.psp import SandboxPSP

from .conftest import URLS, asking, entered, intent_of, moocher_at, pay, taken


@pytest.fixture
def customer(moocher: StripeMoocher, user: User) -> Customer:
    made = Customer.objects.for_user(user, psp="stripe", account="acct_1234")
    return made.name(moocher.create_customer(user, key=made.idempotency_key))


def start_saving(customer: Customer, **changes: Any) -> PaymentMethod:
    consent = Consent(text="Save it.", version="1", given_at=timezone.now(), **changes)
    return customer.start_saving(moocher="stripe", consent=consent)


@pytest.fixture
def method(customer: Customer) -> PaymentMethod:
    return start_saving(customer)


def save(
    psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod, card: str = "pm_card_visa"
) -> PaymentMethod:
    outcome = moocher.save(method, data=entered(psp, card), urls=URLS)
    return method.record(outcome)


def refresh(method: PaymentMethod) -> PaymentMethod:
    found: PaymentMethod = PaymentMethod.objects.get(pk=method.pk)
    return found


def attached(psp: SandboxPSP, customer: Customer) -> list[str]:
    found = asking(psp).v1.payment_methods.list({"customer": customer.customer_id or ""})
    return [each.id for each in found.data]


# --- Customers.


def test_a_customer_is_made_once_per_key_and_says_nothing_about_the_user(
    psp: SandboxPSP, moocher: StripeMoocher, user: User
) -> None:
    names = {moocher.create_customer(user, key="the-key") for _time in range(2)}
    (name,) = names
    made = asking(psp).v1.customers.retrieve(name)
    assert made.metadata is not None
    assert made.metadata["user"] == str(user.pk)
    assert (made.email, made.name) == (None, None)


def test_a_customer_is_deleted_with_all_that_could_be_charged(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, method: PaymentMethod
) -> None:
    saved = save(psp, moocher, method)
    for _time in range(2):
        moocher.delete_customer(customer.customer_id or "")
    assert moocher.describe(saved) is None


def test_a_deletion_without_an_answer_is_not_sure(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer
) -> None:
    psp.plan.add("lost_reply", on="save")
    with pytest.raises(MoocherError):
        moocher.delete_customer(customer.customer_id or "")
    moocher.delete_customer(customer.customer_id or "")


# --- Saving without a payment.


def test_a_card_is_saved_for_its_customer(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, method: PaymentMethod
) -> None:
    outcome = moocher.save(method, data=entered(psp), urls=URLS)
    assert isinstance(outcome, Saved)
    assert (outcome.psp_reference or "").startswith("seti_")
    instrument = outcome.instrument
    assert instrument.customer_id == customer.customer_id
    assert [instrument.method_id] == attached(psp, customer)
    assert (instrument.kind, instrument.brand, instrument.last_four) == ("card", "visa", "4242")
    assert instrument.fingerprint
    saved = method.record(outcome)
    assert saved.state == PaymentMethod.State.ACTIVE
    assert moocher.ask_saved(saved) == outcome
    assert taken(psp) == 0


@pytest.mark.parametrize(("unattended", "usage"), [("", "on_session"), ("Yes.", "off_session")])
def test_the_consent_decides_what_the_card_is_set_up_for(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, unattended: str, usage: str
) -> None:
    saved = save(psp, moocher, start_saving(customer, unattended_text=unattended))
    assert saved.psp_reference
    assert asking(psp).v1.setup_intents.retrieve(saved.psp_reference).usage == usage


def test_a_card_that_is_declined_is_not_saved_and_cannot_be_later(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, method: PaymentMethod
) -> None:
    card = "pm_card_visa_chargeDeclinedInsufficientFunds"
    outcome = moocher.save(method, data=entered(psp, card), urls=URLS)
    assert isinstance(outcome, Declined)
    assert outcome.code == DeclineCode.INSUFFICIENT_FUNDS
    (setup,) = asking(psp).v1.setup_intents.list({"customer": customer.customer_id or ""}).data
    assert (setup.id, setup.status) == (outcome.psp_reference, "canceled")
    assert moocher.ask_saved(method.record(outcome)) == outcome


@pytest.mark.parametrize("decision", ["approve", "refuse"])
def test_a_bank_may_want_a_step(
    psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod, decision: str
) -> None:
    method = save(psp, moocher, method, "pm_card_authenticationRequired")
    assert method.state == PaymentMethod.State.PENDING
    waits = moocher.ask_saved(method)
    assert waits == ActionRequired(psp_reference=method.psp_reference)
    secret = moocher.browser_step(method)["client_secret"]
    assert secret.startswith(f"{method.psp_reference}_secret_")
    psp.stripe.setup_intents.decide(
        psp.stripe.setup_intents.find(method.psp_reference or ""), confirmed=decision == "approve"
    )
    outcome = moocher.ask_saved(method)
    if decision == "approve":
        assert isinstance(outcome, Saved)
    else:
        assert isinstance(outcome, Declined)
        assert outcome.code == DeclineCode.AUTHENTICATION_FAILED
    with pytest.raises(MoocherError, match="asks for no step"):
        moocher.browser_step(method)


def test_a_set_up_whose_answer_is_lost_is_found_among_the_customers(
    psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod
) -> None:
    data = entered(psp)
    psp.plan.add("lost_reply", on="save")
    with pytest.raises(MoocherError):
        moocher.save(method, data=data, urls=URLS)
    assert isinstance(moocher.ask_saved(method), Saved)


def test_a_set_up_that_never_arrived_never_happened(
    psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod
) -> None:
    assert isinstance(moocher.ask_saved(method), Unknown)
    method.created_at = timezone.now() - dt.timedelta(seconds=91)
    assert moocher.ask_saved(method) == Declined(code=DeclineCode.NEVER_HAPPENED)


def test_a_token_that_is_none_is_the_customers_to_enter_again(
    moocher: StripeMoocher, method: PaymentMethod
) -> None:
    data = {"confirmation_token": "ctoken_1234567890"}
    outcome = moocher.save(method, data=data, urls=URLS)
    assert isinstance(outcome, Declined)
    assert outcome.code == DeclineCode.INCORRECT_DETAILS


def test_a_set_up_that_stripe_refuses_is_for_the_admins(
    psp: SandboxPSP, method: PaymentMethod
) -> None:
    with pytest.raises(RequestRefusedError):
        moocher_at(psp, secret_key="sk_test_wrong0000").save(method, data=entered(psp), urls=URLS)


def test_without_javascript_a_card_is_saved_on_stripes_page(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, method: PaymentMethod
) -> None:
    method = method.record(moocher.save(method, data={"confirmation_token": ""}, urls=URLS))
    assert (method.psp_reference or "").startswith("cs_")
    assert isinstance(moocher.ask_saved(method), ActionRequired)
    psp.decide(method.action_url, "approve")
    outcome = moocher.ask_saved(method)
    assert isinstance(outcome, Saved)
    assert outcome.psp_reference == method.psp_reference
    assert [outcome.instrument.method_id] == attached(psp, customer)


def test_a_page_on_which_nothing_was_saved_is_abandoned(
    psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod
) -> None:
    method = method.record(moocher.save(method, data={}, urls=URLS))
    asking(psp).v1.checkout.sessions.expire(method.psp_reference or "")
    assert moocher.ask_saved(method) == Declined(
        code=DeclineCode.ABANDONED, psp_reference=method.psp_reference
    )


# --- Charging what is saved.


def test_a_saved_card_is_charged_without_a_token(
    psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod, attempt: Attempt
) -> None:
    saved = save(psp, moocher, method)
    outcome = pay(moocher, attempt, {"payment_method": saved})
    assert isinstance(outcome, Succeeded)
    assert outcome.instrument is not None
    assert outcome.instrument.method_id == saved.method_id
    assert taken(psp) == 1200


def test_a_card_is_saved_along_with_a_payment(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, attempt: Attempt
) -> None:
    data = entered(psp, save="on_session", customer_id=customer.customer_id)
    outcome = pay(moocher, attempt, data)
    assert isinstance(outcome, Succeeded)
    assert outcome.instrument is not None
    assert attached(psp, customer) == [outcome.instrument.method_id]


def test_a_card_that_is_declined_is_not_saved_along(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, attempt: Attempt
) -> None:
    data = entered(psp, "pm_card_visa_chargeDeclined", save="off_session")
    outcome = pay(moocher, attempt, data | {"customer_id": customer.customer_id})
    assert isinstance(outcome, Declined)
    assert attached(psp, customer) == []


def unattended(moocher: StripeMoocher, attempt: Attempt, method: PaymentMethod) -> Outcome:
    return pay(moocher, attempt, {"payment_method": method, "unattended": True})


def test_a_card_is_charged_without_its_user(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, attempt: Attempt
) -> None:
    saved = save(psp, moocher, start_saving(customer, unattended_text="Yes."))
    assert isinstance(unattended(moocher, attempt, saved), Succeeded)


def test_a_bank_that_wants_the_user_is_a_decline_and_nothing_is_left_open(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, attempt: Attempt
) -> None:
    method = start_saving(customer, unattended_text="Yes.")
    method = save(psp, moocher, method, "pm_card_authenticationRequired")
    psp.stripe.setup_intents.decide(
        psp.stripe.setup_intents.find(method.psp_reference or ""), confirmed=True
    )
    saved = method.record(moocher.ask_saved(method))
    outcome = unattended(moocher, attempt, saved)
    assert isinstance(outcome, Declined)
    assert outcome.code == DeclineCode.AUTHENTICATION_REQUIRED
    assert intent_of(psp, attempt).status == "canceled"


@pytest.mark.parametrize("in_place", [True, False])
def test_the_step_of_a_saved_card_is_taken_in_place_or_on_the_banks_page(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, attempt: Attempt, in_place: bool
) -> None:
    method = save(psp, moocher, start_saving(customer), "pm_card_authenticationRequired")
    psp.stripe.setup_intents.decide(
        psp.stripe.setup_intents.find(method.psp_reference or ""), confirmed=True
    )
    saved = method.record(moocher.ask_saved(method))
    outcome = pay(moocher, attempt, {"payment_method": saved, "in_place": in_place})
    assert isinstance(outcome, ActionRequired)
    assert bool(outcome.url) is not in_place


def test_where_stripes_page_is_wanted_no_step_is_taken_in_place(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, attempt: Attempt
) -> None:
    method = save(psp, moocher, start_saving(customer), "pm_card_authenticationRequired")
    psp.stripe.setup_intents.decide(
        psp.stripe.setup_intents.find(method.psp_reference or ""), confirmed=True
    )
    saved = method.record(moocher.ask_saved(method))
    on_pages = moocher_at(psp, page="checkout")
    outcome = pay(on_pages, attempt, {"payment_method": saved, "in_place": True})
    assert isinstance(outcome, ActionRequired)
    assert outcome.url


# --- Describing it, and giving it up.


def test_a_card_is_described_as_stripe_has_it_now(
    psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod
) -> None:
    assert moocher.describe(method) is None
    saved = save(psp, moocher, method)
    psp.stripe.payment_methods.expire(saved.method_id or "", year=2030, month=2)
    described = moocher.describe(saved)
    assert described is not None
    assert (described.expires_year, described.expires_month) == (2030, 2)


def test_a_card_of_somebody_else_is_not_described(
    psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod, user: User
) -> None:
    saved = save(psp, moocher, method)
    other = moocher.create_customer(user, key="another")
    saved.psp_customer.customer_id = other
    assert moocher.describe(saved) is None
    saved.method_id = "pm_0000000000"
    assert moocher.describe(saved) is None


def test_a_card_that_is_given_up_cannot_be_charged(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, method: PaymentMethod
) -> None:
    saved = save(psp, moocher, method)
    for _time in range(2):
        moocher.forget(saved)
    assert attached(psp, customer) == []
    assert moocher.describe(saved) is None


def test_a_card_that_stripe_does_not_know_is_given_up(
    moocher: StripeMoocher, method: PaymentMethod
) -> None:
    method.method_id = "pm_0000000000"
    moocher.forget(method)


def test_giving_up_without_an_answer_is_not_sure(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, method: PaymentMethod
) -> None:
    saved = save(psp, moocher, method)
    psp.plan.add("lost_request", on="save")
    with pytest.raises(MoocherError):
        moocher.forget(saved)
    assert attached(psp, customer) == [saved.method_id]


def test_a_set_up_that_waits_is_ended(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, method: PaymentMethod
) -> None:
    method = save(psp, moocher, method, "pm_card_authenticationRequired")
    moocher.forget(method)
    assert moocher.ask_saved(method) == Declined(
        code=DeclineCode.ABANDONED, psp_reference=method.psp_reference
    )
    assert attached(psp, customer) == []


@pytest.mark.parametrize("finished", [True, False])
def test_a_page_that_waits_is_closed_and_what_it_saved_meanwhile_given_up(
    psp: SandboxPSP,
    moocher: StripeMoocher,
    customer: Customer,
    method: PaymentMethod,
    finished: bool,
) -> None:
    method = method.record(moocher.save(method, data={}, urls=URLS))
    if finished:
        psp.decide(method.action_url, "approve")
        assert attached(psp, customer)
    moocher.forget(method)
    assert attached(psp, customer) == []
    session = asking(psp).v1.checkout.sessions.retrieve(method.psp_reference or "")
    assert session.status == ("complete" if finished else "expired")


def test_a_set_up_of_which_nothing_is_known_is_given_up_only_once_it_cannot_arrive(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, method: PaymentMethod
) -> None:
    with pytest.raises(MoocherError, match="has not ended"):
        moocher.forget(method)
    method.created_at = timezone.now() - dt.timedelta(seconds=91)
    moocher.forget(method)
    # Saved, and the answer lost.
    psp.plan.add("lost_reply", on="save")
    other = start_saving(customer)
    with pytest.raises(MoocherError):
        moocher.save(other, data=entered(psp), urls=URLS)
    moocher.forget(other)
    assert attached(psp, customer) == []


def test_what_a_payment_saved_is_given_up_with_it(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, attempt: Attempt
) -> None:
    consent = Consent(text="Save it.", version="1", given_at=timezone.now())
    method = customer.start_saving(moocher="stripe", consent=consent, attempt=attempt)
    moocher.forget(method)
    data = entered(psp, save="on_session", customer_id=customer.customer_id)
    pay(moocher, attempt, data)
    assert attached(psp, customer)
    method.attempt = attempt
    moocher.forget(method)
    assert attached(psp, customer) == []
    assert isinstance(moocher.cancel(attempt), Succeeded | Cancelled)


# --- What Stripe says of it while it changes.


def test_the_set_up_of_one_card_is_told_from_those_of_others(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, method: PaymentMethod
) -> None:
    save(psp, moocher, start_saving(customer), "pm_card_mastercard")
    psp.plan.add("lost_reply", on="save")
    with pytest.raises(MoocherError):
        moocher.save(method, data=entered(psp), urls=URLS)
    save(psp, moocher, start_saving(customer), "pm_card_amex")
    outcome = moocher.ask_saved(method)
    assert isinstance(outcome, Saved)
    assert outcome.instrument.last_four == "4242"


def test_a_set_up_that_nobody_finished_is_ended_before_that_is_said(
    psp: SandboxPSP, moocher: StripeMoocher, customer: Customer, method: PaymentMethod
) -> None:
    made = asking(psp).v1.setup_intents.create(
        {"customer": customer.customer_id or "", "metadata": {"method": str(method.pk)}}
    )
    method.psp_reference = made.id
    outcome = moocher.ask_saved(method)
    assert outcome == Declined(code=DeclineCode.NEVER_HAPPENED, psp_reference=made.id)
    assert asking(psp).v1.setup_intents.retrieve(made.id).status == "canceled"


def test_a_set_up_that_is_finished_while_it_is_ended_is_found(
    psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod
) -> None:
    saved = save(psp, moocher, method)
    seen_before = {**moocher._fetch_setup(saved), "status": "requires_payment_method"}
    assert isinstance(moocher._setup_outcome(saved, seen_before), Saved)


def test_a_declined_card_whose_set_up_is_not_found_is_declined_all_the_same(
    psp: SandboxPSP, moocher: StripeMoocher, method: PaymentMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moocher, "_find_setup", lambda _method: None)
    data = entered(psp, "pm_card_visa_chargeDeclined")
    outcome = moocher.save(method, data=data, urls=URLS)
    assert isinstance(outcome, Declined)
    assert outcome.psp_reference is None


@pytest.mark.parametrize("answer", [{}, {"id": "cus_other", "deleted": True}])
def test_what_stripe_does_not_confirm_is_not_believed(
    moocher: StripeMoocher,
    customer: Customer,
    method: PaymentMethod,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any],
) -> None:
    method.method_id = "pm_0000000000"
    monkeypatch.setattr(moocher._client, "ask", lambda _question: {**answer, "customer": "cus_1"})
    with pytest.raises(MoocherError, match="did not confirm"):
        moocher.delete_customer(customer.customer_id or "")
    with pytest.raises(MoocherError, match="did not detach"):
        moocher.forget(method)
