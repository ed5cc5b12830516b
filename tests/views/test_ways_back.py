"""From every step a way leads back that destroys nothing, and waiting needs no JavaScript."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core.models import Payment
from payments_ui.testing.psp import SandboxPSP, Status
from tests.dom import Node
from tests.fakes import CARDS, TRANSFER, finish
from tests.shopping import Shopper, attempt_of, dom, step, stored, url

from .test_return_from_psp import leave

#: How the PSP answers, and the step that its customer sees then.
STEPS = {"processing": "processing", "3ds": "requires_action", "lost_reply": "unknown"}


def waiting(shopper: Shopper, psp: SandboxPSP, plan: str) -> tuple[Payment, Node]:
    psp.plan.add(plan)
    if plan == "lost_reply":
        psp.plan.add("error_before", on="fetch", times=9)
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    response = shopper.get(url("payment", payment))
    assert step(response) == STEPS[plan]
    return payment, dom(response)


def way_back(shown: Node) -> Node:
    (link,) = [a for a in shown.all("a") if a.text == "Back to your items"]
    return link


@pytest.mark.parametrize("plan", STEPS)
def test_a_way_leads_back_while_the_outcome_is_open(
    any_shopper: Shopper, psp: SandboxPSP, plan: str
) -> None:
    payment, shown = waiting(any_shopper, psp, plan)
    assert step(any_shopper.get(way_back(shown).attrs["href"])) == "charges"
    assert stored(payment).state == "processing"


def test_a_way_leads_back_from_the_review(any_shopper: Shopper) -> None:
    payment = any_shopper.begin("5.00")
    shown = dom(any_shopper.get(url("payment", payment)))
    listed = any_shopper.get(way_back(shown).attrs["href"])
    assert step(listed) == "charges"
    assert stored(payment).state == "pending"
    assert "Not finished: CHF 5.00" in dom(listed).text


def reloads(shown: Node) -> list[str]:
    """Return after how many seconds a page without JavaScript loads itself anew."""
    noscript = [meta for node in shown.all("noscript") for meta in node.all("meta")]
    return [meta.attrs["content"] for meta in noscript if meta.attrs["http-equiv"] == "refresh"]


@pytest.mark.parametrize(
    ("plan", "seconds"), [("processing", ["10"]), ("lost_reply", ["10"]), ("3ds", [])]
)
def test_without_javascript_waiting_for_the_psp_refreshes_by_itself_and_has_a_link(
    shopper: Shopper, psp: SandboxPSP, plan: str, seconds: list[str]
) -> None:
    payment, shown = waiting(shopper, psp, plan)
    assert reloads(shown) == seconds
    look = shown.one("pui-look").one("a")
    assert (look.text, look.attrs["href"]) == ("Look again", url("payment", payment))


def test_no_fragment_loads_its_page_anew(js_shopper: Shopper, psp: SandboxPSP) -> None:
    _payment, shown = waiting(js_shopper, psp, "processing")
    assert shown.all("noscript") + shown.all("meta") == []


def test_a_transfer_that_takes_days_does_not_reload_the_page(
    shopper: Shopper, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS, TRANSFER]}
    payment = shopper.begin("5.00")
    shopper.pay(payment, "transfer")
    shown = dom(shopper.get(url("payment", payment)))
    assert reloads(shown) == []
    assert way_back(shown)


def test_without_a_session_the_page_looks_again_while_the_outcome_is_open(
    shopper: Shopper, psp: SandboxPSP, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment, back = leave(shopper, psp)
    shown = dom(Client().get(back))
    assert reloads(shown) == ["10"]
    assert shown.one("a", href=back).text == "Look again"
    later = timezone.now() + dt.timedelta(seconds=700)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    shown = dom(Client().get(back))
    assert not [m for m in shown.all("meta") if "http-equiv" in m.attrs]
    finish(psp, attempt_of(payment), Status.DECLINED)
    assert dom(shopper.get(back)).all("a", href=back) == []


def test_after_coming_back_the_page_is_titled_by_what_happened_with_one_way_back(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    payment, back = leave(shopper, psp, Referer="http://testserver/login/?tab=2")
    finish(psp, attempt_of(payment))
    shown = dom(shopper.get(shopper.get(back)["Location"]))
    assert shown.one("title").text == "Payment successful \u2013 Open items"
    assert [a.text for a in shown.one("main").all("a") if a.text.startswith("Back")] == [
        "Back to the previous page"
    ]
    assert dom(shopper.get(url("charges"))).one("title").text == "Nothing to pay \u2013 Open items"


def test_news_that_the_step_says_is_heard_and_not_seen_twice(
    js_shopper: Shopper, psp: SandboxPSP
) -> None:
    payment = js_shopper.begin("5.00")
    asks = dom(js_shopper.get(url("payment", payment))).with_attr("data-pui-bg")[0].attrs["hx-get"]
    js_shopper.pay(payment)
    live = dom(js_shopper.get(asks)).one(id="pui-0-live")
    assert live.text == "Paid: CHF 5.00"
    assert [node.attrs["class"] for node in live.all("span")] == ["pui-hidden"]
