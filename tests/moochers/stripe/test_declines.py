"""Why Stripe says no: sentences that help, and no hint of fraud."""

from __future__ import annotations

from typing import Any

import pytest

from payments_ui.core.attempts.outcomes import DeclineCode
from payments_ui.moochers.stripe import declines

CODE = DeclineCode


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "card_declined"}, CODE.CARD_DECLINED),
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, CODE.INSUFFICIENT_FUNDS),
        ({"code": "card_declined", "decline_code": "generic_decline"}, CODE.GENERIC),
        ({"code": "card_declined", "decline_code": "card_velocity_exceeded"}, CODE.LIMIT_EXCEEDED),
        ({"code": "card_declined", "decline_code": "invented_tomorrow"}, CODE.GENERIC),
        ({"decline_code": "try_again_later"}, CODE.TRY_LATER),
        ({"code": "expired_card", "decline_code": "expired_card"}, CODE.EXPIRED_CARD),
        ({"code": "incorrect_cvc", "decline_code": "incorrect_cvc"}, CODE.INCORRECT_DETAILS),
        ({"code": "authentication_required"}, CODE.AUTHENTICATION_REQUIRED),
        ({"code": "payment_intent_authentication_failure"}, CODE.AUTHENTICATION_FAILED),
        ({"code": "amount_too_small"}, CODE.AMOUNT_REFUSED),
        ({"code": "resource_missing", "param": "payment_method"}, CODE.METHOD_GONE),
        ({"code": "resource_missing", "param": "confirmation_token"}, CODE.INCORRECT_DETAILS),
        ({"code": "resource_missing", "param": "intent"}, CODE.GENERIC),
        ({"code": "parameter_unknown"}, CODE.GENERIC),
        ({}, CODE.GENERIC),
    ],
)
def test_a_code_becomes_a_reason(error: dict[str, str], code: DeclineCode) -> None:
    assert declines.code_of(declines.facts(error)) == code


@pytest.mark.parametrize(
    "secret",
    [
        *["fraudulent", "lost_card", "stolen_card", "pickup_card", "restricted_card"],
        *["merchant_blacklist", "highest_risk_level", "security_violation", "stop_payment_order"],
        *["do_not_honor", "call_issuer", "no_action_taken", "not_permitted", "service_not_allowed"],
    ],
)
def test_only_the_bank_may_tell_of_fraud_loss_and_theft(secret: str) -> None:
    said = declines.facts({"code": "card_declined", "decline_code": secret})
    declined = declines.declined(said, "pi_1")
    assert declined.code == DeclineCode.GENERIC
    assert declined.evidence["decline_code"] == secret


def test_what_stripe_says_is_kept_as_it_says_it() -> None:
    error = {
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "advice_code": "try_again_later",
        "network_decline_code": "51",
        "network_advice_code": "02",
        "message": "Your card has insufficient funds.",
        "payment_method": {"id": "pm_1", "card": {"last4": "9995"}},
    }
    declined = declines.declined(declines.facts(error), "pi_1", {"id": "pi_1"})
    assert declined.psp_reference == "pi_1"
    assert declined.evidence == {
        "id": "pi_1",
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "advice_code": "try_again_later",
        "network_decline_code": "51",
        "network_advice_code": "02",
    }


@pytest.mark.parametrize("error", [None, "no", [], {"code": 7, "decline_code": None}])
def test_what_is_no_error_says_nothing(error: Any) -> None:
    assert declines.facts(error) == {}


def test_words_are_bounded() -> None:
    assert len(declines.facts({"code": "x" * 5000})["code"]) == 100
