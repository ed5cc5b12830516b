"""What PaymentIntents and sessions mean."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
)
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.stripe import charges, checkout

from . import answers


@dataclass
class Asked:
    """An attempt, as far as answers are compared with it."""

    pk: UUID = answers.ATTEMPT
    psp_reference: str | None = answers.PAYMENT
    live: bool = False


def outcome_of(intent: Any, attempt: Any = None) -> Outcome:
    asked: Any = attempt or Asked()
    return charges.outcome(charges.check(intent, asked), account="acct_1234")


def test_money_that_arrived_is_said_with_all_that_is_compared() -> None:
    outcome = outcome_of(answers.intent())
    assert isinstance(outcome, Succeeded)
    assert (outcome.psp_reference, outcome.amount, outcome.currency) == (
        answers.PAYMENT,
        Decimal("12.00"),
        "CHF",
    )
    assert (outcome.account, outcome.live) == ("acct_1234", False)
    assert outcome.instrument is None
    assert outcome.evidence == {
        "id": answers.PAYMENT,
        "status": "succeeded",
        "amount": 1200,
        "currency": "chf",
        "charge": answers.CHARGE,
        "type": "card",
        "brand": "visa",
        "last4": "4242",
        "three_d_secure": "authenticated",
        "risk_level": "normal",
    }


def test_what_arrived_counts_and_not_what_was_asked_for() -> None:
    outcome = outcome_of(answers.intent(amount_received=1100))
    assert isinstance(outcome, Succeeded)
    assert outcome.amount == 11


def test_a_payment_method_that_stripe_keeps_is_named() -> None:
    intent = answers.intent(customer=answers.CUSTOMER, payment_method=answers.card())
    outcome = outcome_of(intent)
    assert isinstance(outcome, Succeeded)
    assert outcome.instrument is not None
    assert (outcome.instrument.method_id, outcome.instrument.customer_id) == (
        answers.METHOD,
        answers.CUSTOMER,
    )
    assert outcome.instrument.authentication == "authenticated"
    assert (outcome.instrument.expires_month, outcome.instrument.expires_year) == (12, 2034)


@pytest.mark.parametrize(
    "changes",
    [
        {"customer": answers.CUSTOMER, "payment_method": answers.METHOD},
        {"customer": answers.CUSTOMER, "payment_method": answers.card(customer="cus_other")},
        {"customer": None, "payment_method": answers.card()},
    ],
)
def test_a_payment_method_of_nobody_or_somebody_else_is_not_named(changes: Any) -> None:
    outcome = outcome_of(answers.intent(**changes))
    assert isinstance(outcome, Succeeded)
    assert outcome.instrument is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "processing"}, Pending(psp_reference=answers.PAYMENT)),
        (
            {"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}},
            ActionRequired(psp_reference=answers.PAYMENT),
        ),
        (
            {
                "status": "requires_action",
                "next_action": {
                    "type": "redirect_to_url",
                    "redirect_to_url": {"url": "https://hooks.stripe.com/3ds"},
                },
            },
            ActionRequired(url="https://hooks.stripe.com/3ds", psp_reference=answers.PAYMENT),
        ),
        (
            {"status": "canceled", "latest_charge": None},
            Cancelled(psp_reference=answers.PAYMENT),
        ),
        (
            {"status": "canceled", "cancellation_reason": "abandoned", "latest_charge": None},
            Declined(code=DeclineCode.ABANDONED, psp_reference=answers.PAYMENT),
        ),
    ],
)
def test_other_states(changes: Any, expected: Outcome) -> None:
    assert outcome_of(answers.intent(**changes)) == expected


def test_a_cancelled_intent_whose_card_was_declined_says_so() -> None:
    error = {"code": "card_declined", "decline_code": "insufficient_funds"}
    outcome = outcome_of(answers.intent(status="canceled", last_payment_error=error))
    assert isinstance(outcome, Declined)
    assert outcome.code == DeclineCode.INSUFFICIENT_FUNDS


def test_the_failed_charge_says_what_the_intent_has_forgotten() -> None:
    failed = answers.charge(
        status="failed",
        failure_code="card_declined",
        outcome={"reason": "expired_card", "network_decline_code": "54"},
    )
    outcome = outcome_of(answers.intent(status="canceled", latest_charge=failed))
    assert isinstance(outcome, Declined)
    assert outcome.code == DeclineCode.EXPIRED_CARD
    assert outcome.evidence["network_decline_code"] == "54"
    silent = answers.charge(status="failed", outcome=None)
    assert charges.failure(answers.intent(latest_charge=silent)) == {"code": "card_declined"}


@pytest.mark.parametrize(
    "status", ["requires_capture", "invented", None, 7, *sorted(charges.UNCONFIRMED)]
)
def test_a_status_that_says_nothing_is_no_outcome(status: Any) -> None:
    with pytest.raises(MoocherError, match="status that says nothing"):
        outcome_of(answers.intent(status=status))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "pi_other"},
        {"id": "pi_../../charges"},
        {"object": "charge"},
        {"livemode": True},
        {"livemode": None},
        {"metadata": {"attempt": str(uuid4())}},
        {"metadata": {"attempt": "no id"}},
        {"metadata": {}},
        {"metadata": None},
        {"amount_received": "1200"},
        {"amount_received": True},
        {"amount_received": 12.0},
        {"currency": "CH"},
        {"currency": None},
        {"customer": "cus/1"},
        {
            "status": "requires_action",
            "next_action": {"type": "redirect_to_url", "redirect_to_url": {}},
        },
        {
            "status": "requires_action",
            "next_action": {"type": "redirect_to_url", "redirect_to_url": {"url": "x" * 5000}},
        },
        {
            "status": "requires_action",
            "next_action": {"type": "redirect_to_url", "redirect_to_url": {"url": 7}},
        },
    ],
)
def test_an_answer_about_something_else_is_no_answer(changes: Any) -> None:
    with pytest.raises(MoocherError):
        outcome_of(answers.intent(**changes))


@pytest.mark.parametrize("answer", [None, [], "pi_1234", {}])
def test_what_is_no_intent_is_no_answer(answer: Any) -> None:
    with pytest.raises(MoocherError):
        outcome_of(answer)


def of_session(**changes: Any) -> Outcome:
    attempt: Any = Asked(psp_reference=answers.SESSION)
    session = checkout.check(
        answers.session(**changes), "attempt", attempt.pk, answers.SESSION, live=False
    )
    return checkout.outcome(session, attempt, account="")


ABANDONED = Declined(code=DeclineCode.ABANDONED, psp_reference=answers.SESSION)


def test_an_open_page_waits_for_the_customer_whatever_was_declined_there() -> None:
    url = answers.session()["url"]
    error = {"code": "card_declined"}
    tried = answers.intent(status="requires_payment_method", last_payment_error=error)
    for intent in (None, tried):
        outcome = of_session(payment_intent=intent)
        assert outcome == ActionRequired(url=url, psp_reference=answers.SESSION)


def test_a_page_that_was_paid_on_goes_by_its_intent_from_then_on() -> None:
    outcome = of_session(status="complete", payment_intent=answers.intent())
    assert isinstance(outcome, Succeeded)
    assert outcome.psp_reference == answers.PAYMENT


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "expired"}, ABANDONED),
        (
            {
                "status": "expired",
                "payment_intent": answers.intent(status="canceled", latest_charge=None),
            },
            ABANDONED,
        ),
        (
            {"status": "complete", "payment_intent": answers.intent(status="processing")},
            Pending(psp_reference=answers.SESSION),
        ),
        (
            {"status": "expired", "payment_intent": answers.intent(status="requires_action")},
            Pending(psp_reference=answers.SESSION),
        ),
    ],
)
def test_other_states_of_a_page(changes: Any, expected: Outcome) -> None:
    assert of_session(**changes) == expected


def test_a_debit_that_fails_after_the_page_is_declined() -> None:
    intent = answers.intent(
        status="requires_payment_method",
        latest_charge=None,
        last_payment_error={"code": "debit_not_authorized"},
    )
    outcome = of_session(status="complete", payment_intent=intent)
    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.psp_reference) == (DeclineCode.METHOD_GONE, answers.SESSION)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "cs_test_other"},
        {"status": "invented"},
        {"url": None},
        {"metadata": {}},
        {"livemode": True},
        {"status": "complete", "payment_intent": answers.PAYMENT},
        {"status": "complete", "payment_intent": answers.intent(metadata={})},
    ],
)
def test_an_answer_about_another_page_is_no_answer(changes: Any) -> None:
    with pytest.raises(MoocherError):
        of_session(**changes)
