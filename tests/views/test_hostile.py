"""What customers, hosts and PSPs write is text, wherever it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from payments_ui.testing.psp import SandboxPSP
from tests.dom import Node
from tests.fakes import cards
from tests.reliability.web.texts import PAYLOADS
from tests.shopping import Shopper, dom, url


def assert_harmless(response: Any) -> None:
    page: Node = dom(response)
    scripts = [s for s in page.all("script") if not s.attrs.get("src", "").startswith("/static/")]
    assert scripts == []
    assert page.all("img") + page.all("svg") + page.all("b") == []
    for node in page:
        assert not [name for name in node.attrs if name.startswith("on")], node.attrs
        assert not node.attrs.get("href", "").startswith("javascript:")
        assert "elsewhere.example" not in node.attrs.get("action", "")


@pytest.mark.parametrize("payload", PAYLOADS[3:6])
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
    any_shopper: Shopper, psp: SandboxPSP, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("<b>Internal</b> secret-key-of-the-psp")

    monkeypatch.setattr(cards, "charge", fail)
    payment = any_shopper.begin("5.00")
    response = any_shopper.pay(payment)
    assert "secret-key" not in response.content.decode()
    shown = any_shopper.get(url("payment", payment))
    assert "secret-key" not in shown.content.decode()


def test_a_page_number_and_a_currency_are_kept_through_links(shopper: Shopper) -> None:
    shopper.owe(*["1.00"] * 25, title="Same")
    shopper.owe("2.00", currency="EUR")
    shown = dom(shopper.get(url("charges"), currency="EUR"))
    assert "EUR" in shown.text or "€" in shown.text
