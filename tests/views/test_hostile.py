"""What customers, hosts and PSPs write is text, wherever it is shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from payments_ui.core.models import Payment
from payments_ui.core.outcomes import ActionRequired
from tests.dom import Node
from tests.fakes import CARDS, HOSTILE, FakePSP
from tests.fixtures import MakeShopper
from tests.shopping import Shopper, attempt_of, dom, url

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</template></textarea><svg onload=alert(1)>",
    "{{ 7|add:7 }}{% now 'Y' %}",
    "javascript:alert(1)",
    "<form action='https://elsewhere.example'><button>",
]


def assert_harmless(response: Any) -> None:
    page: Node = dom(response)
    scripts = [s for s in page.all("script") if not s.attrs.get("src", "").startswith("/static/")]
    assert scripts == []
    assert page.all("img") + page.all("svg") + page.all("b") == []
    for node in page:
        assert not [name for name in node.attrs if name.startswith("on")], node.attrs
        assert not node.attrs.get("href", "").startswith("javascript:")
        assert "elsewhere.example" not in node.attrs.get("action", "")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_titles_and_names_are_text_in_every_step(
    make_shopper: MakeShopper, psp: FakePSP, settings: Settings, payload: str
) -> None:
    payee = {"PAYEE": payload, "PAYEE_ADDRESS": payload}
    settings.PAYMENTS_UI = {"MOOCHERS": [HOSTILE, CARDS], **payee}
    shopper = make_shopper(username=payload, email=f'"{payload[:20]}"@example.com')
    psp.plan.extend(["decline", "wait"] * 2)
    for shopper.js in (False, True):
        shopper.owe("5.00", title=payload)
        listed = shopper.get(url("charges"))
        assert " ".join(payload.split()) in dom(listed).text
        payment = shopper.begin()
        pages = [
            listed,
            shopper.get(url("charges"), select="1"),
            shopper.get(url("payment", payment), moocher="hostile"),
            shopper.pay(payment, "hostile", name=""),
            shopper.pay(payment, "hostile", name=payload, note=payload),
            shopper.get(url("payment", payment), failed=payload, back=payload),
            shopper.pay(payment, "hostile"),
            shopper.get(url("payment", payment)),
        ]
        for page in pages:
            assert_harmless(page)
        shopper.post(url("cancellation", payment))


@pytest.mark.parametrize("payload", PAYLOADS[1:3])
def test_what_the_url_says_is_never_markup(shopper: Shopper, payload: str) -> None:
    payment = shopper.begin("5.00")
    names = ("w", "w-live", "w-heading", "w-currency", "currency", "page", "seen", "v", "moocher")
    for js in (False, True):
        shopper.js = js
        for name in names:
            for path in (url("charges"), url("payment", payment), url("heartbeat")):
                response = shopper.get(path, **{name: payload})
                assert_harmless(response)
                assert "HX-Retarget" not in response or response["HX-Retarget"] == "#pui-0-body"


def test_the_psps_own_words_are_never_shown(
    any_shopper: Shopper, psp: FakePSP, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("<b>Internal</b> secret-key-of-the-psp")

    monkeypatch.setattr(psp, "charge", fail)
    payment = any_shopper.begin("5.00")
    response = any_shopper.pay(payment)
    assert "secret-key" not in response.content.decode()
    shown = any_shopper.get(url("payment", payment))
    assert "secret-key" not in shown.content.decode()


@pytest.mark.parametrize("target", ["javascript:alert(1)", "data:text/html,x", "//x.example", ""])
def test_a_step_leads_to_a_web_page_only(
    any_shopper: Shopper, psp: FakePSP, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setattr(psp, "charge", lambda *args: ActionRequired(url=target))
    monkeypatch.setattr(psp, "ask", lambda *args: ActionRequired(url=target))
    payment = any_shopper.begin("5.00")
    response = any_shopper.pay(payment)
    assert "HX-Redirect" not in response
    shown = any_shopper.get(url("payment", payment))
    assert [a for a in dom(shown).all("a") if a.attrs["href"] == target != ""] == []
    assert attempt_of(payment).action_url == ""


def test_a_page_number_and_a_currency_are_kept_through_links(shopper: Shopper) -> None:
    shopper.owe(*["1.00"] * 25, title="Same")
    shopper.owe("2.00", currency="EUR")
    shown = dom(shopper.get(url("charges"), currency="EUR"))
    assert "EUR" in shown.text or "€" in shown.text


def test_posting_a_login_page_as_next_is_not_followed(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    response = shopper.post(
        url("cancellation", payment), next="https://elsewhere.example/", back="//elsewhere.example"
    )
    assert response["Location"] == url("charges")
    assert Client().get(url("charges"), {"next": "//x.example"})["Location"].startswith("/login/")
    assert not Payment.all_objects.exists()
