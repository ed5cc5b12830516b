"""What set-ups and pages for saving a card mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Pending,
)
from payments_ui.core.paymentmethods.outcomes import Saved, SetupOutcome
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.stripe import checkout, ledger, methods

from . import answers


@dataclass
class Asked:
    """A payment method, as far as answers are compared with it."""

    pk: UUID = answers.ATTEMPT
    customer_id: str = answers.CUSTOMER


METHOD: Any = Asked()


def setup(**changes: Any) -> dict[str, Any]:
    return {
        "id": answers.SETUP,
        "object": "setup_intent",
        "livemode": False,
        "status": "succeeded",
        "customer": answers.CUSTOMER,
        "payment_method": answers.card(),
        "mandate": "mandate_1234",
        "latest_attempt": {
            "payment_method_details": {
                "type": "card",
                "card": {"three_d_secure": {"result": "authenticated"}},
            }
        },
        "last_setup_error": None,
        "next_action": None,
        "cancellation_reason": None,
        "metadata": {"method": str(answers.ATTEMPT)},
        **changes,
    }


def outcome_of(**changes: Any) -> SetupOutcome:
    found = methods.check(setup(**changes), METHOD, live=False)
    return methods.outcome(found, reference=answers.SETUP)


def test_a_card_that_was_saved_comes_with_the_evidence_of_its_mandate() -> None:
    outcome = outcome_of()
    assert isinstance(outcome, Saved)
    instrument = outcome.instrument
    assert (instrument.mandate_id, instrument.authentication) == ("mandate_1234", "authenticated")
    assert (instrument.country, instrument.brand, instrument.last_four) == ("CH", "visa", "4242")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "processing"}, Pending(psp_reference=answers.SETUP)),
        (
            {"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}},
            ActionRequired(psp_reference=answers.SETUP),
        ),
        ({"status": "canceled"}, Cancelled(psp_reference=answers.SETUP)),
        (
            {"status": "canceled", "cancellation_reason": "abandoned"},
            Declined(code=DeclineCode.ABANDONED, psp_reference=answers.SETUP),
        ),
        (
            {"status": "canceled", "last_setup_error": {"code": "expired_card"}},
            Declined(
                code=DeclineCode.EXPIRED_CARD,
                psp_reference=answers.SETUP,
                evidence={"code": "expired_card"},
            ),
        ),
    ],
)
def test_other_states(changes: Any, expected: SetupOutcome) -> None:
    assert outcome_of(**changes) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "invented"},
        {"status": "requires_confirmation"},
        {"customer": "cus_other"},
        {"metadata": {}},
        {"payment_method": answers.METHOD},
        {"payment_method": answers.card(customer=None)},
        {"payment_method": answers.card(customer="cus_other")},
        {"livemode": True},
        {"mandate": 7},
    ],
)
def test_an_answer_that_makes_no_sense_is_none(changes: Any) -> None:
    with pytest.raises(MoocherError):
        outcome_of(**changes)


def test_what_a_card_says_of_itself_is_bounded() -> None:
    odd = {"brand": "x" * 99, "last4": "42424", "country": "CHE", "exp_year": 99999}
    method = answers.card(card={**odd, "exp_month": 13, "fingerprint": None})
    found = methods.instrument(method)
    assert found is not None
    assert (len(found.brand), found.last_four, found.country) == (50, "4242", "CH")
    assert (found.expires_year, found.expires_month, found.fingerprint) == (None, None, "")


def test_a_page_says_what_became_of_saving() -> None:
    def of_page(**changes: Any) -> SetupOutcome:
        metadata = {"method": str(answers.ATTEMPT)}
        session = answers.session(mode="setup", metadata=metadata, **changes)
        return checkout.setup_outcome(session, METHOD, live=False)

    assert isinstance(of_page(), ActionRequired)
    assert isinstance(of_page(status="complete", setup_intent=setup()), Saved)
    assert isinstance(of_page(status="expired"), Declined)
    with pytest.raises(MoocherError, match="says nothing"):
        of_page(status="invented")


def test_a_line_of_the_ledger_that_makes_no_sense_is_not_left_out() -> None:
    class Listing:
        def pages(self, _question: Any) -> list[Any]:
            return [answers.intent(status="invented")]

    client: Any = Listing()
    with pytest.raises(MoocherError, match="says nothing"):
        list(ledger.lines(client, moocher="stripe", live=False))
