"""The running total of what is ticked: written by the server, as every amount."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.fixtures import MakeShopper
from tests.shopping import Shopper, dom, url


def ask(shopper: Shopper, *ids: int | str, currency: str = "CHF") -> Any:
    query: dict[str, Any] = {"currency": currency, "lineitems": list(ids)}
    return shopper.client.get(url("selection"), query)


def test_it_says_how_many_are_ticked_and_what_a_payment_of_them_would_ask_for(
    shopper: Shopper,
) -> None:
    one, two, _three = shopper.owe("10.004", "2.50", "7")
    assert ask(shopper, one.pk, two.pk).json() == {"text": "2 selected: CHF\xa012.50"}
    assert ask(shopper).json() == {"text": "0 selected: CHF\xa00.00"}


def test_what_cannot_be_paid_has_no_sum(shopper: Shopper, make_shopper: MakeShopper) -> None:
    (foreign,) = make_shopper().owe("5")
    (euros,) = shopper.owe("5", currency="EUR")
    for answer in (
        ask(shopper, foreign.pk),
        ask(shopper, euros.pk),
        ask(shopper, "x"),
        ask(shopper, currency=""),
    ):
        assert (answer.status_code, answer.json()) == (422, {})
    assert ask(shopper, euros.pk, currency="EUR").json() == {"text": "1 selected: \u20ac5.00"}


@pytest.mark.django_db
def test_visitors_learn_nothing() -> None:
    assert Client().get(url("selection")).status_code == 302


def test_the_tick_boxes_ask_it_and_can_all_be_ticked(shopper: Shopper) -> None:
    shopper.owe("1", "2")
    element = dom(shopper.get(url("charges"), select="1")).one("pui-selection")
    assert element.attrs["data-url"] == url("selection")
    assert len(element.all("input", type="checkbox")) == 2
    assert element.one("button").text == "Select all"
    # Without a script there is no button that would do nothing.
    assert "hidden" in element.one("button").attrs
