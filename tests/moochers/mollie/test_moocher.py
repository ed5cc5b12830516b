"""What a site configures, what its customers see, and what Mollie is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import translation

from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    Cancelled,
    DeclineCode,
    Declined,
    Succeeded,
    Unknown,
)
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import MoocherError
from payments_ui.moochers.base import AttemptUrls
from payments_ui.moochers.mollie import MollieMoocher
from payments_ui.moochers.mollie.locales import locale
from payments_ui.testing.psp import SandboxPSP

from .conftest import URLS, age, new_moocher, pay, the_charge


@pytest.mark.parametrize("key", ["", "key", "sk_test_1", "test_", "live_a b", "test_ü"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="API key"):
        MollieMoocher(api_key=key)


def test_the_key_says_whether_real_money_moves() -> None:
    assert MollieMoocher(api_key="live_key").live
    assert not MollieMoocher(api_key="test_key").live
    with pytest.raises(TypeError, match="live"):
        MollieMoocher(api_key="test_key", live=True)


def test_a_test_key_on_a_deployed_site_is_named() -> None:
    (warning,) = MollieMoocher(api_key="test_key").check_deployed()
    assert warning.id == "payments_ui.W070"
    assert not list(MollieMoocher(api_key="live_key").check_deployed())


def test_names_can_be_chosen() -> None:
    moocher = MollieMoocher(api_key="test_key", identifier="twint", title="TWINT", can_save=True)
    assert (moocher.identifier, str(moocher.title)) == ("twint", "TWINT")
    assert moocher.psp == "mollie"
    assert moocher.can_save
    assert not MollieMoocher(api_key="test_key").can_save


def test_its_form_says_that_the_customer_leaves(moocher: MollieMoocher, payment: Payment) -> None:
    assert "redirected" in moocher.payment_form(RequestFactory().get("/"), payment)


def sent(
    moocher: MollieMoocher, attempt: Attempt, monkeypatch: pytest.MonkeyPatch, **data: Any
) -> Any:
    """What Mollie is sent."""
    orders: list[Any] = []
    create = moocher._client.create_payment

    def create_and_note(order: Any, *, key: str) -> Any:
        orders.append(order)
        return create(order, key=key)

    monkeypatch.setattr(moocher._client, "create_payment", create_and_note)
    moocher.charge(attempt, data=data, urls=URLS)
    return orders[0]


def test_mollie_is_sent_the_amount_as_text_and_our_names(
    moocher: MollieMoocher, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    with translation.override("de-ch"):
        order = sent(moocher, attempt, monkeypatch)
    assert order == {
        "amount": {"currency": "CHF", "value": "12.00"},
        "description": attempt.reference,
        "metadata": {
            "attempt": str(attempt.pk),
            "key": attempt.idempotency_key,
            "moocher": "mollie",
        },
        "redirectUrl": URLS.return_url,
        "webhookUrl": f"{URLS.webhook_url}?attempt={attempt.pk}",
        "locale": "de_CH",
    }
    assert len(json.dumps(order["metadata"])) < 1024, "Mollie keeps about 1 kB"


def test_the_ways_to_pay_can_be_narrowed(
    psp: SandboxPSP, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    moocher = new_moocher(psp, methods=("twint", "ideal"))
    assert sent(moocher, attempt, monkeypatch)["method"] == ["twint", "ideal"]


@pytest.mark.parametrize(
    ("host", "is_told"),
    [
        ("shop.example", True),
        ("localhost:8000", False),
        ("shop.localhost", False),
        ("127.0.0.1:8000", False),
    ],
)
def test_mollie_is_told_of_no_address_that_it_cannot_reach(host: str, is_told: bool) -> None:
    moocher = MollieMoocher(api_key="test_key")
    urls = moocher._urls(AttemptUrls(f"http://{host}/b", f"http://{host}/w"), attempt="1")
    assert ("webhookUrl" in urls) == is_told


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de-ch", "de_CH"),
        ("de", "de_DE"),
        ("en", "en_US"),
        ("fr-ca", "fr_FR"),
        ("he", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_mollies_page_speaks_the_customers_language_where_it_can(
    language: str | None, expected: str
) -> None:
    assert locale(language) == expected


def test_an_unknown_language_is_left_to_mollie(
    moocher: MollieMoocher, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    with translation.override("he"):
        assert "locale" not in sent(moocher, attempt, monkeypatch)


def test_an_amount_that_mollie_does_not_take_is_declined(
    moocher: MollieMoocher, attempt: Attempt
) -> None:
    attempt.amount = attempt.amount * 10**9
    declined = moocher.charge(attempt, data={}, urls=URLS)
    assert isinstance(declined, Declined)
    assert declined.code == DeclineCode.AMOUNT_REFUSED


def test_a_lost_reply_is_found_by_our_name(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt
) -> None:
    psp.plan.add("lost_reply")
    with pytest.raises(MoocherError):
        pay(moocher, attempt)
    assert isinstance(moocher.ask(attempt), ActionRequired)


def test_a_payment_that_never_arrived_is_final_when_it_cannot_arrive_any_more(
    moocher: MollieMoocher, attempt: Attempt
) -> None:
    assert isinstance(moocher.ask(attempt), Unknown)
    age(attempt, minutes=3)
    never = moocher.ask(attempt)
    assert isinstance(never, Declined)
    assert never.code == DeclineCode.NEVER_HAPPENED


@pytest.mark.parametrize("is_lost", [True, False])
def test_after_an_hour_mollie_is_asked_before_a_charge_is_sent_again(
    psp: SandboxPSP,
    moocher: MollieMoocher,
    attempt: Attempt,
    is_lost: bool,
) -> None:
    if is_lost:
        psp.plan.add("lost_reply")
        with pytest.raises(MoocherError):
            pay(moocher, attempt)
    psp.advance(3700)
    age(attempt, seconds=3700)
    moocher.charge(attempt, data={}, urls=URLS)
    assert len(list(psp.ledger.charges.all())) == 1


def test_the_money_of_an_hour_ago_is_found(
    psp: SandboxPSP, moocher: MollieMoocher, attempt: Attempt
) -> None:
    opened = pay(moocher, attempt)
    psp.decide(opened.action_url, "approve")
    psp.advance(3700)
    age(attempt, seconds=3700)
    assert isinstance(moocher.charge(attempt, data={}, urls=URLS), Succeeded)


def test_another_answer_than_about_this_attempt_is_no_answer(
    moocher: MollieMoocher, attempt: Attempt, paid: Attempt
) -> None:
    other = Attempt(pk=None, psp_reference=paid.psp_reference)
    with pytest.raises(MoocherError, match="another"):
        moocher.ask(other)


def test_what_mollie_can_cancel_is_cancelled(psp: SandboxPSP, attempt: Attempt) -> None:
    moocher = new_moocher(psp, methods=("banktransfer",))
    opened = pay(moocher, attempt)
    assert isinstance(moocher.cancel(opened), Cancelled)
    assert the_charge(psp).status == "cancelled"


def test_what_mollie_cannot_cancel_stays_open(moocher: MollieMoocher, attempt: Attempt) -> None:
    opened = pay(moocher, attempt)
    assert isinstance(moocher.cancel(opened), ActionRequired)


def test_what_is_paid_is_not_cancelled(moocher: MollieMoocher, paid: Attempt) -> None:
    assert isinstance(moocher.cancel(paid), Succeeded)
