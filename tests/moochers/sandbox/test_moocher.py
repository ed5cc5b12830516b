"""What a site configures, and what its customers see."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import reverse

from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import RequestRefusedError, WebhookSignatureError
from payments_ui.moochers.sandbox import SandboxMoocher
from payments_ui.moochers.sandbox.forms import CARDS, OFFERED
from payments_ui.testing.psp import CARDS as SANDBOX_CARDS
from payments_ui.testing.psp import SandboxPSP
from tests.moochers.sandbox.conftest import KEY, SECRET, pay, signed


@pytest.mark.parametrize("secret", ["", [], ["", "b"]])
def test_an_empty_secret_is_refused(secret: Any) -> None:
    with pytest.raises(ValueError, match="webhook secret"):
        SandboxMoocher(psp_url="http://127.0.0.1:1", api_key=KEY, webhook_secret=secret)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("api_key", ""),
        ("kind", "cash"),
        ("psp_url", "http://example.com:80"),
        ("psp_url", "http://127.0.0.1:80@example.com"),
        ("psp_url", "https://127.0.0.1:1"),
        ("psp_url", "http://127.0.0.1:1/v1"),
        ("psp_url", ""),
    ],
)
def test_a_moocher_that_cannot_work_is_refused(option: str, value: str) -> None:
    options: dict[str, Any] = {
        "psp_url": "http://127.0.0.1:1",
        "api_key": KEY,
        "webhook_secret": SECRET,
    }
    with pytest.raises(ValueError, match=r"sandbox|kind"):
        SandboxMoocher(**options | {option: value})


@pytest.mark.parametrize("option", ["live", "color"])
def test_unknown_options_are_refused(option: str) -> None:
    options: dict[str, Any] = {
        "psp_url": "http://127.0.0.1:1",
        "api_key": KEY,
        "webhook_secret": SECRET,
    }
    with pytest.raises(TypeError, match=option):
        SandboxMoocher(**options | {option: True})


def test_both_kinds_can_be_listed(moocher: SandboxMoocher, page_moocher: SandboxMoocher) -> None:
    assert (moocher.identifier, page_moocher.identifier) == ("sandbox", "sandbox-page")
    assert (str(moocher.title), str(page_moocher.title)) == ("Test card", "Page of the sandbox")


def test_names_can_be_chosen(psp: SandboxPSP) -> None:
    moocher = SandboxMoocher(
        psp_url=psp.url, api_key=KEY, webhook_secret=SECRET, identifier="card", title="Card"
    )
    assert (moocher.identifier, moocher.title) == ("card", "Card")


def test_secrets_are_not_shown(moocher: SandboxMoocher) -> None:
    for thing in (moocher, moocher._client):
        assert KEY not in repr(thing)
        assert SECRET not in repr(thing)


def test_where_debug_is_off_the_sandbox_has_to_be_allowed(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt, event: bytes, settings: Any
) -> None:
    settings.PAYMENTS_UI = {}
    assert moocher.refuse(attempt.payment)
    for call in (lambda: pay(moocher, attempt), lambda: moocher.ask(attempt)):
        with pytest.raises(RequestRefusedError):
            call()
    with pytest.raises(RequestRefusedError):
        moocher.cancel(attempt)
    with pytest.raises(WebhookSignatureError):
        moocher.webhook(signed(event))
    settings.DEBUG = True
    assert moocher.refuse(attempt.payment) is None
    assert moocher.webhook(signed(event)).attempt_id


def test_refusals_of_the_contract_hold(psp: SandboxPSP, payment: Payment) -> None:
    moocher = SandboxMoocher(
        psp_url=psp.url, api_key=KEY, webhook_secret=SECRET, currencies=frozenset({"EUR"})
    )
    assert "CHF" in str(moocher.refuse(payment))


def request(path: str = "/") -> HttpRequest:
    return RequestFactory().get(path)


def test_every_card_offered_is_one_the_sandbox_plays() -> None:
    assert {name for name, _ in CARDS} <= set(SANDBOX_CARDS)


def test_the_form_offers_test_cards_and_no_field_for_a_number(
    moocher: SandboxMoocher, payment: Payment
) -> None:
    html = moocher.payment_form(request(), payment)
    action = reverse(
        "payments_ui:moocher", kwargs={"pk": payment.pk, "identifier": moocher.identifier}
    )
    assert f'action="{action}"' in html
    assert html.count('type="radio"') == len(OFFERED)
    assert 'type="text"' not in html
    assert "CHF" in html
    assert "No real money moves." in html


def test_the_page_has_nothing_to_fill_in(page_moocher: SandboxMoocher, payment: Payment) -> None:
    html = page_moocher.payment_form(request(), payment)
    assert "<input" not in html
    assert "You will be redirected" in html


@pytest.mark.parametrize(
    ("data", "valid"), [({"card": "card_3ds"}, True), ({"card": "4242"}, False), ({}, False)]
)
def test_only_test_cards_are_taken(
    moocher: SandboxMoocher, payment: Payment, data: dict[str, str], valid: bool
) -> None:
    assert moocher.get_form(request(), payment, data).is_valid() is valid


@pytest.mark.parametrize(
    ("action_url", "sentence"),
    [("http://127.0.0.1/pay/a", "Approve or decline"), ("", "takes some seconds")],
)
def test_instructions_lead_to_the_control_panel(
    psp: SandboxPSP, moocher: SandboxMoocher, attempt: Attempt, action_url: str, sentence: str
) -> None:
    attempt.action_url = action_url
    html = moocher.instructions(request(), attempt)
    assert sentence in html
    assert f'href="{psp.url}/"' in html
