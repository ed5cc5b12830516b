"""Paying at Stripe: made first, confirmed after its id is kept, and never left to be paid later."""

from __future__ import annotations

from typing import Any

import pytest

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Pending,
    Succeeded,
    Unknown,
)
from payments_ui.core.models import Attempt
from payments_ui.exceptions import MoocherError, RateLimitedError, RequestRefusedError
from payments_ui.moochers.stripe import StripeMoocher
from payments_ui.testing.psp import SandboxPSP

from . import answers
from .conftest import (
    URLS,
    age,
    asking,
    decide,
    entered,
    intent_of,
    moocher_at,
    pay,
    prepare,
    taken,
)


def status_of(psp: SandboxPSP, attempt: Attempt) -> Any:
    return intent_of(psp, attempt).status


def test_nothing_is_charged_before_the_id_is_kept(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    data = entered(psp)
    assert prepare(moocher, attempt, data) is None
    assert (attempt.psp_reference or "").startswith("pi_")
    assert taken(psp) == 0
    assert isinstance(moocher.charge(attempt, data=data, urls=URLS), Succeeded)
    assert taken(psp) == 1200


def test_what_was_not_prepared_is_not_charged(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    with pytest.raises(MoocherError, match="Nothing was prepared"):
        moocher.charge(attempt, data=entered(psp), urls=URLS)
    assert taken(psp) == 0


def test_stripe_knows_which_attempt_asked(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    pay(moocher, attempt, entered(psp))
    intent = intent_of(psp, attempt)
    assert intent.metadata.to_dict() == {
        "attempt": str(attempt.pk),
        "key": attempt.idempotency_key,
        "moocher": "stripe",
    }
    assert intent.description == attempt.reference


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("pm_card_visa_chargeDeclined", DeclineCode.GENERIC),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", DeclineCode.INSUFFICIENT_FUNDS),
        ("pm_card_visa_chargeDeclinedStolenCard", DeclineCode.GENERIC),
        ("pm_card_chargeDeclinedExpiredCard", DeclineCode.EXPIRED_CARD),
        ("pm_card_chargeDeclinedIncorrectCvc", DeclineCode.INCORRECT_DETAILS),
        ("pm_card_chargeDeclinedProcessingError", DeclineCode.TRY_LATER),
        ("pm_card_radarBlock", DeclineCode.GENERIC),
    ],
)
def test_a_decline_is_final_because_the_intent_is_cancelled_first(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt, card: str, code: DeclineCode
) -> None:
    outcome = pay(moocher, attempt, entered(psp, card))
    assert isinstance(outcome, Declined)
    assert outcome.code == code
    assert outcome.psp_reference == attempt.psp_reference
    assert outcome.evidence["code"]
    assert status_of(psp, attempt) == "canceled"
    # Asked again, it says the same.
    again = moocher.ask(attempt)
    assert isinstance(again, Declined)
    assert again.code == code


def test_a_decline_whose_cancellation_gets_lost_is_unknown_and_found_later(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    psp.plan.add("lost_reply", on="cancel")
    with pytest.raises(MoocherError):
        pay(moocher, attempt, entered(psp, "pm_card_visa_chargeDeclinedInsufficientFunds"))
    outcome = moocher.ask(attempt)
    assert isinstance(outcome, Declined)
    assert outcome.code == DeclineCode.INSUFFICIENT_FUNDS


def test_a_step_in_place_has_no_url_and_its_secret_is_for_the_owner_alone(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    outcome = pay(moocher, attempt, entered(psp, "pm_card_authenticationRequired"))
    assert outcome == ActionRequired(psp_reference=attempt.psp_reference)
    step = moocher.browser_step(attempt)
    assert list(step) == ["client_secret"]
    assert step["client_secret"].startswith(f"{attempt.psp_reference}_secret_")
    decide(psp, "approve")
    assert isinstance(moocher.ask(attempt), Succeeded)
    with pytest.raises(MoocherError, match="asks for no step"):
        moocher.browser_step(attempt)


def test_a_step_that_was_refused_leaves_nothing_to_be_paid(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    pay(moocher, attempt, entered(psp, "pm_card_authenticationRequired"))
    decide(psp, "refuse")
    outcome = moocher.ask(attempt)
    assert isinstance(outcome, Declined)
    assert outcome.code == DeclineCode.AUTHENTICATION_FAILED
    assert status_of(psp, attempt) == "canceled"
    assert taken(psp) == 0


def test_a_step_that_was_abandoned_can_be_called_off(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    pay(moocher, attempt, entered(psp, "pm_card_authenticationRequired"))
    assert isinstance(moocher.ask(attempt), ActionRequired)
    assert moocher.cancel(attempt) == Cancelled(psp_reference=attempt.psp_reference)
    assert moocher.ask(attempt) == Cancelled(psp_reference=attempt.psp_reference)


def test_what_is_paid_is_not_called_off(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    pay(moocher, attempt, entered(psp))
    assert isinstance(moocher.cancel(attempt), Succeeded)


@pytest.mark.parametrize("fault", ["lost_reply", "error_after", "garbled"])
def test_money_that_was_taken_without_an_answer_is_found_by_asking(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt, fault: str
) -> None:
    psp.plan.add(fault, on="create")
    with pytest.raises(MoocherError):
        pay(moocher, attempt, entered(psp))
    assert isinstance(moocher.ask(attempt), Succeeded)
    assert taken(psp) == 1200


def test_a_confirmation_that_never_arrived_is_made_impossible_before_that_is_said(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    data = entered(psp)
    psp.plan.add("lost_request", on="create")
    with pytest.raises(MoocherError):
        pay(moocher, attempt, data)
    assert isinstance(moocher.ask(attempt), Unknown)
    age(attempt, seconds=91)
    assert moocher.ask(attempt) == Declined(
        code=DeclineCode.NEVER_HAPPENED, psp_reference=attempt.psp_reference
    )
    # The confirmation that was thought lost arrives after all.
    assert isinstance(moocher.charge(attempt, data=data, urls=URLS), Declined)
    assert taken(psp) == 0


def test_an_error_of_stripe_is_kept_under_its_key_and_no_decline(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    data = entered(psp)
    psp.plan.add("error_before", on="create")
    for _time in range(2):
        with pytest.raises(MoocherError, match="Stripe answered 500"):
            pay(moocher, attempt, data)
    assert isinstance(moocher.ask(attempt), Unknown)
    assert taken(psp) == 0


def test_a_preparation_that_got_lost_charges_nothing(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    psp.plan.add("lost_reply", on="prepare")
    data = {"confirmation_token": "ctoken_1234567890"}
    with pytest.raises(MoocherError):
        prepare(moocher, attempt, data)
    assert isinstance(moocher.ask(attempt), Unknown)
    assert isinstance(moocher.cancel(attempt), Unknown)
    age(attempt, seconds=91)
    assert moocher.ask(attempt) == Declined(code=DeclineCode.NEVER_HAPPENED)
    assert moocher.cancel(attempt) == Cancelled()


def test_too_many_requests_are_no_decline(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    data = entered(psp)
    psp.plan.add("rate_limited", on="create")
    with pytest.raises(RateLimitedError):
        pay(moocher, attempt, data)
    assert isinstance(moocher.ask(attempt), Unknown)
    assert isinstance(moocher.charge(attempt, data=data, urls=URLS), Succeeded)
    assert taken(psp) == 1200


def test_a_card_whose_bank_takes_its_time_is_pending(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    psp.plan.add("processing", on="create")
    assert pay(moocher, attempt, entered(psp)) == Pending(psp_reference=attempt.psp_reference)
    assert isinstance(moocher.cancel(attempt), Pending)
    psp.advance(10)
    assert isinstance(moocher.ask(attempt), Succeeded)


def test_less_than_stripe_takes_is_declined_with_a_sentence(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    attempt.amount = attempt.amount / 100
    outcome = prepare(moocher, attempt, entered(psp))
    assert outcome is not None
    assert (outcome.code, outcome.psp_reference) == (DeclineCode.AMOUNT_REFUSED, None)
    assert outcome.evidence["code"] == "amount_too_small"


@pytest.mark.parametrize("used", [True, False])
def test_a_token_that_is_none_is_the_customers_to_enter_again(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt, used: bool
) -> None:
    data = entered(psp) if used else {"confirmation_token": "ctoken_1234567890"}
    if used:
        intents = asking(psp).v1.payment_intents
        other = intents.create({"amount": 100, "currency": "chf"})
        token = str(data["confirmation_token"])
        intents.confirm(other.id, {"confirmation_token": token, "return_url": URLS.return_url})
    outcome = pay(moocher, attempt, data)
    assert isinstance(outcome, Declined)
    assert outcome.code == DeclineCode.INCORRECT_DETAILS
    assert status_of(psp, attempt) == "canceled"


def test_a_request_that_stripe_refuses_is_for_the_admins(psp: SandboxPSP, attempt: Attempt) -> None:
    moocher = moocher_at(psp, secret_key="sk_test_wrong0000")
    with pytest.raises(RequestRefusedError, match="401") as refused:
        prepare(moocher, attempt, entered(psp))
    assert "sk_test_wrong0000" not in str(refused.value)


def test_a_confirmation_that_stripe_refuses_is_for_the_admins_once_nothing_can_be_paid(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = entered(psp)
    prepare(moocher, attempt, data)
    wrong = {"confirmation_token": data["confirmation_token"], "payment_method_types": ["card"]}
    monkeypatch.setattr(moocher, "_confirm_params", lambda data, urls: wrong)
    with pytest.raises(RequestRefusedError, match="payment_method_types"):
        moocher.charge(attempt, data=data, urls=URLS)
    assert status_of(psp, attempt) == "canceled"


def test_a_confirmation_that_is_refused_because_it_is_paid_says_so(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    pay(moocher, attempt, entered(psp))
    attempt.idempotency_key = "another"
    assert isinstance(moocher.charge(attempt, data=entered(psp), urls=URLS), Succeeded)
    assert taken(psp) == 1200


def test_the_same_key_with_another_card_is_no_answer(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    pay(moocher, attempt, entered(psp))
    with pytest.raises(MoocherError) as refused:
        moocher.charge(attempt, data=entered(psp), urls=URLS)
    assert not isinstance(refused.value, RequestRefusedError)


def test_what_may_be_offered_can_be_named(psp: SandboxPSP, attempt: Attempt) -> None:
    moocher = moocher_at(psp, allowed_payment_method_types=["card"])
    pay(moocher, attempt, entered(psp))
    assert intent_of(psp, attempt).payment_method_types == ["card"]


def test_a_confirmation_that_overtakes_a_cancellation_is_found(
    psp: SandboxPSP, moocher: StripeMoocher, attempt: Attempt
) -> None:
    data = entered(psp)
    prepare(moocher, attempt, data)
    seen_before = moocher._fetch(attempt)
    moocher.charge(attempt, data=data, urls=URLS)
    age(attempt, seconds=91)
    assert isinstance(moocher._outcome(attempt, seen_before), Succeeded)


# --- On Stripe's page.


@pytest.fixture
def page(psp: SandboxPSP) -> StripeMoocher:
    return moocher_at(psp, page="checkout", allowed_payment_method_types=["card"])


def test_a_page_is_told_what_may_be_offered_and_saved(
    psp: SandboxPSP, page: StripeMoocher, attempt: Attempt
) -> None:
    customer = asking(psp).v1.customers.create().id
    outcome = pay(page, attempt, {"save": "on_session", "customer_id": customer})
    assert isinstance(outcome, ActionRequired)
    psp.decide(outcome.url, "approve")
    paid = page.ask(attempt)
    assert isinstance(paid, Succeeded)
    assert paid.instrument is not None
    assert paid.instrument.customer_id == customer
    # From now on it goes by its intent, and what was asked for is found there, too.
    attempt.psp_reference = paid.psp_reference
    assert page.ask(attempt) == paid


def test_a_page_that_was_paid_on_is_not_called_off(
    psp: SandboxPSP, page: StripeMoocher, attempt: Attempt
) -> None:
    outcome = pay(page, attempt, {})
    assert isinstance(outcome, ActionRequired)
    psp.decide(outcome.url, "approve")
    assert isinstance(page.cancel(attempt), Succeeded)


def test_a_page_on_which_a_card_was_declined_waits_for_another_one(
    psp: SandboxPSP, page: StripeMoocher, attempt: Attempt
) -> None:
    outcome = pay(page, attempt, {})
    assert isinstance(outcome, ActionRequired)
    psp.decide(outcome.url, "refuse")
    assert page.ask(attempt) == outcome
    assert isinstance(page.cancel(attempt), Cancelled | Declined)
    assert taken(psp) == 0


def test_an_answer_of_an_expired_page_that_is_still_paying_waits(
    psp: SandboxPSP, page: StripeMoocher, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(page, attempt, {})
    answer = answers.session(
        attempt.pk,
        id=attempt.psp_reference,
        status="expired",
        payment_intent=answers.intent(attempt.pk, status="processing"),
    )
    monkeypatch.setattr(page._client, "ask", lambda _question: answer)
    assert page.cancel(attempt) == Pending(psp_reference=attempt.psp_reference)
