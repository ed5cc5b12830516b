"""A step that the PSP's script takes in the page: what its owner's browser is told, as JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.utils import timezone

from payments_ui.core.attempts.outcomes import ActionRequired, DeclineCode, Declined
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import MoocherError
from payments_ui.testing.psp import SandboxPSP
from tests.core.support import bare
from tests.fakes import cards
from tests.fixtures import MakeShopper
from tests.shopping import Shopper, attempt_of, url

SECRET = {"client_secret": "pi_1_secret_2"}


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Return a function that lets the moocher answer this, or raise it."""

    def answer(with_: Mapping[str, str] | Exception) -> None:
        def browser_step(subject: object) -> Mapping[str, str]:
            if isinstance(with_, Exception):
                raise with_
            return with_

        monkeypatch.setattr(cards, "browser_step", browser_step, raising=False)

    return answer


def waiting(shopper: Shopper) -> Payment:
    """Return a payment that waits for its customer's step in the page."""
    cards.outcomes.append(ActionRequired(psp_reference="ch_1"))
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    assert attempt_of(payment).state == "requires_action"
    return payment


def asked(shopper: Shopper, payment: Payment, identifier: str = "cards") -> tuple[int, Any]:
    response = shopper.post(url("moocher_step", payment, identifier))
    return response.status_code, json.loads(response.content)


def test_the_owner_gets_what_the_script_needs(any_shopper: Shopper, says: Any) -> None:
    says(SECRET)
    payment = waiting(any_shopper)
    assert asked(any_shopper, payment) == (200, SECRET)


def test_what_came_of_the_step_is_asked_however_soon_it_is_taken(
    shopper: Shopper, says: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(SECRET)
    declined = Declined(code=DeclineCode.AUTHENTICATION_FAILED)
    monkeypatch.setattr(cards, "ask", lambda attempt: declined)
    payment = waiting(shopper)
    # Another page asked just now, so that for some seconds no look asks again.
    bare(Attempt).update(asked_at=timezone.now())
    assert asked(shopper, payment)[0] == 200
    shopper.get(url("payment", payment))
    assert attempt_of(payment).state == "failed"


def test_no_cache_keeps_it_and_no_link_leads_to_it(shopper: Shopper, says: Any) -> None:
    says(SECRET)
    path = url("moocher_step", waiting(shopper), "cards")
    assert "no-store" in shopper.post(path)["Cache-Control"]
    assert shopper.get(path).status_code == 405


def test_nobody_else_gets_it(make_shopper: MakeShopper, shopper: Shopper, says: Any) -> None:
    says(SECRET)
    path = url("moocher_step", waiting(shopper), "cards")
    assert make_shopper().post(path).status_code == 404


def test_a_moocher_of_another_attempt_is_not_asked(shopper: Shopper, says: Any) -> None:
    says(SECRET)
    payment = waiting(shopper)
    status, told = asked(shopper, payment, "francs")
    assert (status, list(told)) == (409, ["error"])


def test_a_payment_without_an_open_attempt_has_no_step(
    shopper: Shopper, psp: SandboxPSP, says: Any
) -> None:
    says(SECRET)
    pending = shopper.begin("5.00")
    assert asked(shopper, pending)[0] == 409
    shopper.pay(pending)
    assert asked(shopper, pending)[0] == 409


@pytest.mark.parametrize("fault", [MoocherError("no step"), TimeoutError("the PSP is silent")])
def test_a_psp_that_has_no_step_or_no_answer_is_a_sentence(
    shopper: Shopper, says: Any, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    says(fault)
    payment = waiting(shopper)
    with caplog.at_level(logging.ERROR):
        status, told = asked(shopper, payment)
    assert status == 409
    assert "try again" in told["error"]
    assert str(fault) not in told["error"]
    assert bool(caplog.records) is isinstance(fault, TimeoutError)


def test_the_contracts_default_takes_no_step(shopper: Shopper) -> None:
    assert asked(shopper, waiting(shopper))[0] == 409


def test_a_moocher_that_is_no_longer_listed_takes_no_step(
    shopper: Shopper, says: Any, settings: Any
) -> None:
    says(SECRET)
    payment = waiting(shopper)
    settings.PAYMENTS_UI = {"MOOCHERS": []}
    assert asked(shopper, payment)[0] == 409
