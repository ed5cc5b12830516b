"""What is prepared at a PSP is written down first; nothing is charged where that cannot be."""
# A state equals its text.
# mypy: disable-error-code="comparison-overlap"

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User

from payments_ui.core.attempts.outcomes import Cancelled, DeclineCode, Declined, Outcome, Unknown
from payments_ui.core.models import Attempt
from payments_ui.flows import psp_call
from tests.core.support import pending, started

pytestmark = pytest.mark.django_db(transaction=True)
State = Attempt.State


@pytest.fixture
def attempt(user: User) -> Attempt:
    return started(pending(user, "5.00"))


@pytest.fixture
def never() -> Iterator[Mock]:
    """Return what would charge; what it raises would be taken for an unknown outcome."""
    question = Mock(return_value=Unknown())
    yield question
    question.assert_not_called()


def test_what_is_prepared_is_stored_before_anything_is_charged(attempt: Attempt) -> None:
    def charge() -> Outcome:
        assert attempt.as_stored().psp_reference == "pi_1"
        return Declined(code=DeclineCode.GENERIC)

    assert psp_call.charge(attempt, charge, prepare=lambda: "pi_1").state == State.FAILED


def test_a_decline_while_it_is_prepared_charges_nothing(attempt: Attempt, never: Mock) -> None:
    declined = Declined(code=DeclineCode.AMOUNT_REFUSED)
    found = psp_call.charge(attempt, never, prepare=lambda: declined)
    assert (found.state, found.failure_code) == (State.FAILED, "amount_refused")


def test_an_attempt_that_has_ended_meanwhile_is_not_charged(attempt: Attempt, never: Mock) -> None:
    def prepare() -> str:
        attempt.record(Cancelled())
        return "pi_1"

    found = psp_call.charge(attempt, never, prepare=prepare)
    # Kept all the same: by it, money that came after all would be found.
    assert (found.state, found.psp_reference) == (State.CANCELLED, "pi_1")


def test_a_process_that_slept_too_long_does_not_charge_what_was_given_up(
    attempt: Attempt, never: Mock
) -> None:
    # The reconciler heard that nothing arrived, and the customer may have paid in another way.
    attempt.started_at -= psp_call.GRACE
    attempt.record(Declined(code=DeclineCode.NEVER_HAPPENED))
    found = psp_call.charge(attempt, never)
    assert (found.state, found.failure_code) == (State.FAILED, "never_happened")


def test_one_that_slept_and_was_waited_for_charges(attempt: Attempt) -> None:
    attempt.started_at -= psp_call.GRACE
    declined = Declined(code=DeclineCode.GENERIC)
    assert psp_call.charge(attempt, lambda: declined).failure_code == "generic"
