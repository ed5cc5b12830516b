"""What screen readers are given: with the focus what an action did, else the live region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from payments_ui.flows import tokens
from payments_ui.testing.psp import SandboxPSP, Status
from tests.dom import Node
from tests.fakes import finish
from tests.shopping import Shopper, attempt_of, dom, report, url
from tests.views.test_live import refresher


def focused(response: Any) -> str:
    """Name and description of what gets the focus."""
    shown = dom(response)
    (node,) = shown.with_attr("autofocus")
    name = node.attrs.get("aria-labelledby")
    label = node.attrs.get("aria-label") or (shown.one(id=name).text if name else node.text)
    return f"{label}: {described(shown, node)}"


def described(shown: Node, node: Node) -> str:
    ids = node.attrs["aria-describedby"].split()
    return " ".join(shown.one(id=one).text for one in ids)


def live(response: Any) -> str:
    (region,) = [node for node in dom(response) if node.attrs.get("id", "").endswith("-live")]
    return region.text


def decline(shopper: Shopper, psp: SandboxPSP) -> Any:
    psp.plan.add("insufficient_funds")
    return shopper.pay(shopper.begin("5.00"))


def expire(shopper: Shopper, psp: SandboxPSP) -> Any:
    payment = shopper.begin("5.00")
    return shopper.pay(payment, **{tokens.TOKEN: "old"})


def tick_nothing(shopper: Shopper, psp: SandboxPSP) -> Any:
    shopper.owe("5.00")
    return shopper.post(url("payments"), select="1", currency="CHF")


def cancel(shopper: Shopper, psp: SandboxPSP) -> Any:
    return shopper.post(url("cancellation", shopper.begin("5.00")))


def add_items(shopper: Shopper, psp: SandboxPSP) -> Any:
    payment = shopper.begin("5.00")
    shopper.owe("1.00")
    return shopper.post(url("lineitems", payment))


def look_at_what_is_gone(shopper: Shopper, psp: SandboxPSP) -> Any:
    payment = shopper.begin("5.00")
    shopper.post(url("cancellation", payment))
    return shopper.get(url("payment", payment))


def lose_the_answer(shopper: Shopper, psp: SandboxPSP) -> Any:
    psp.plan.add("lost_reply")
    psp.plan.add("error_before", on="fetch", times=9)
    return shopper.pay(shopper.begin("5.00"))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (decline, "There is a problem: Nothing was charged."),
        (expire, "There is a problem: This form has expired. Nothing was charged."),
        (tick_nothing, "There is a problem: Select at least one item."),
        (cancel, "To pay: CHF 5.00: Nothing was charged. Your items are back in your list."),
        (add_items, "Review and pay: The new items are part of this payment now."),
        (look_at_what_is_gone, "To pay: CHF 5.00: This payment was cancelled."),
        (lose_the_answer, "We are checking your payment: The answer of the payment service"),
    ],
)
def test_what_an_action_did_is_said_with_the_focus_alone(
    js_shopper: Shopper, psp: SandboxPSP, act: Callable[[Shopper, SandboxPSP], Any], said: str
) -> None:
    response = act(js_shopper, psp)
    assert focused(response).startswith(said)
    assert live(response) == ""


def test_new_items_are_announced_once_during_the_review(js_shopper: Shopper) -> None:
    payment = js_shopper.begin("5.00")
    path = refresher(js_shopper, payment)
    assert js_shopper.get(path).status_code == 204
    js_shopper.owe("1.00", "2.00")
    response = js_shopper.get(path)
    assert live(response) == "You have 2 new items: CHF 3.00."
    again = dom(response).one(id="pui-1-refresher").attrs["hx-get"]
    assert js_shopper.get(again).status_code == 204


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.SUCCEEDED, "Paid: CHF 5.00"),
        (Status.DECLINED, "Nothing was charged."),
    ],
)
def test_the_end_of_waiting_is_announced_by_its_name(
    js_shopper: Shopper, psp: SandboxPSP, status: Status, said: str
) -> None:
    psp.plan.add("processing")
    payment = js_shopper.begin("5.00")
    js_shopper.pay(payment)
    path = refresher(js_shopper, payment)
    finish(psp, attempt_of(payment), status)
    report(Client(), attempt_of(payment))
    response = js_shopper.get(path)
    assert live(response).startswith(said)
    assert dom(response).with_attr("autofocus") == []


def test_another_step_is_announced_by_its_heading(js_shopper: Shopper, psp: SandboxPSP) -> None:
    payment = js_shopper.begin("5.00")
    path = refresher(js_shopper, payment)
    psp.plan.add("processing")
    js_shopper.pay(payment)
    assert live(js_shopper.get(path)) == "Your payment is being processed"
