"""Where no definite answer came, nothing is guessed."""

from __future__ import annotations

import pytest

from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Succeeded, Unknown
from payments_ui.core.models import Attempt
from payments_ui.exceptions import MoocherError, RateLimitedError
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.testing.psp import SandboxPSP
from tests.moochers.sandbox.conftest import KEY, NO_ANSWER, SECRET, age, pay, taken


@pytest.mark.parametrize("card", ["card_lost_reply", "card_error_after", "card_garbled"])
def test_money_that_was_taken_without_an_answer_is_found_by_asking(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt, card: str
) -> None:
    with pytest.raises(NO_ANSWER):
        pay(moocher, attempt, card)
    assert isinstance(moocher.ask(attempt), Succeeded)
    assert taken(psp) == 1200


@pytest.mark.parametrize("scenario", ["error_before", "lost_request"])
def test_never_happened_is_said_only_when_it_is_final(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt, scenario: str
) -> None:
    psp.plan.add(scenario)
    with pytest.raises(NO_ANSWER):
        pay(moocher, attempt)
    assert isinstance(moocher.ask(attempt), Unknown)
    age(attempt, seconds=61)
    assert moocher.ask(attempt) == Declined(code=DeclineCode.NEVER_HAPPENED)
    # The request that was thought lost arrives after all.
    with pytest.raises(MoocherError):
        pay(moocher, attempt)
    assert taken(psp) == 0


def test_a_request_that_arrives_while_we_ask_is_found(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(attempt, seconds=61)
    monkeypatch.setattr(moocher._client, "find", lambda reference: pay(moocher, attempt) and None)
    assert isinstance(moocher.ask(attempt), Succeeded)


def test_a_rate_limit_is_waited_for(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt
) -> None:
    psp.plan.add("rate_limited", times=2)
    assert isinstance(pay(moocher, attempt), Succeeded)
    assert taken(psp) == 1200


def test_a_rate_limit_that_does_not_end_is_no_answer(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt
) -> None:
    with pytest.raises(RateLimitedError, match="429 rate_limited"):
        pay(moocher, attempt, "card_rate_limited")
    assert taken(psp) == 0


def test_a_sandbox_that_does_not_answer_is_left_in_time(psp: SandboxPSP, attempt: Attempt) -> None:
    moocher = SandboxMoocher(psp_url=psp.url, api_key=KEY, webhook_secret=SECRET, timeout=0.3)
    # It would break the connection after a minute, which is another error.
    with pytest.raises(TimeoutError):
        pay(moocher, attempt, "card_hang")


def test_a_wrong_key_is_no_answer(psp: SandboxPSP, attempt: Attempt) -> None:
    moocher = SandboxMoocher(psp_url=psp.url, api_key="wrong", webhook_secret=SECRET)
    with pytest.raises(MoocherError, match="401 unauthorized"):
        pay(moocher, attempt)


def test_two_charges_under_one_reference_are_for_a_person_to_look_at(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt
) -> None:
    pay(moocher, attempt)
    psp.advance(86400)
    pay(moocher, attempt)
    with pytest.raises(MoocherError, match="several objects"):
        moocher.ask(attempt)
