"""Each use of a group: in its row where htmx asks, else a page of its own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from payments_ui.core.models import LineItem, Payment
from tests.dom import Node
from tests.fixtures import MakeShopper
from tests.shopping import Shopper, dom, url

GROUP = {"currency": "CHF", "title": "Renders", "unit": "", "unit_price": ""}


def owe(shopper: Shopper, *days: int, **fields: Any) -> list[LineItem]:
    fields = {"title": "Renders", "currency": "CHF", "amount": "1.50", **fields}
    return [
        LineItem.objects.record(
            user=shopper.user, used_at=dt.datetime(2026, 5, day, 12, tzinfo=dt.UTC), **fields
        )
        for day in days
    ]


def uses(node: Node) -> list[str]:
    return [use.text for use in node.one("ul", class_="pui-uses").all("li")]


def test_the_row_of_a_group_leads_to_its_uses(any_shopper: Shopper) -> None:
    owe(any_shopper, 12, 14)
    owe(any_shopper, 13, title="Sheet")
    (group,) = dom(any_shopper.get(url("charges"))).all("details", class_="pui-group")
    assert group.one("summary").text == "2 times Renders"
    link = group.one("a")
    answer = any_shopper.get(link.attrs["hx-get" if any_shopper.js else "href"])
    assert uses(dom(answer)) == [
        "May 14, 2026, 2:00:00 PM CHF 1.50",
        "May 12, 2026, 2:00:00 PM CHF 1.50",
    ]
    assert bool(dom(answer).all("html")) is not any_shopper.js


def test_a_group_is_one_title_unit_and_price(shopper: Shopper) -> None:
    owe(shopper, 12, 13)
    owe(shopper, 14, title="Sheet")
    owe(shopper, 15, amount="2.00", quantity="4", unit="tiles", unit_price="0.5")
    owe(shopper, 16, currency="EUR")
    assert len(uses(dom(shopper.get(url("uses"), **GROUP)))) == 2
    tiles = {**GROUP, "unit": "tiles", "unit_price": "0.50"}
    (row,) = uses(dom(shopper.get(url("uses"), **tiles)))
    assert row.startswith("4 tiles")


def test_the_uses_of_a_payment_are_its_own(shopper: Shopper) -> None:
    owe(shopper, 12, 13)
    shopper.post(url("payments"))
    payment = Payment.objects.get(user=shopper.user)
    owe(shopper, 14)
    link = dom(shopper.get(url("payment", payment))).one("details", class_="pui-group").one("a")
    assert len(uses(dom(shopper.get(link.attrs["href"])))) == 2
    assert len(uses(dom(shopper.get(url("uses"), **GROUP)))) == 1


def test_many_uses_have_pages(any_shopper: Shopper) -> None:
    owe(any_shopper, *range(1, 26))
    first = dom(any_shopper.get(url("uses"), **GROUP))
    (older,) = [link for link in first.all("a") if link.attrs.get("rel") == "next"]
    second = dom(any_shopper.get(older.attrs["hx-get" if any_shopper.js else "href"]))
    assert len(uses(first)) + len(uses(second)) == 25
    assert not set(uses(first)) & set(uses(second))
    (newer,) = [link for link in second.all("a") if link.attrs.get("rel") == "prev"]
    assert uses(dom(any_shopper.get(newer.attrs["href"]))) == uses(first)


def test_uses_that_were_paid_meanwhile_are_not_shown_as_open(any_shopper: Shopper) -> None:
    owe(any_shopper, 12, 13)
    any_shopper.post(url("payments"))
    answer = dom(any_shopper.get(url("uses"), **GROUP))
    assert not answer.all("ul", class_="pui-uses")
    assert "These items are not here any more." in answer.text


def test_anothers_uses_are_not_found(make_shopper: MakeShopper) -> None:
    other, stranger = make_shopper(), make_shopper()
    owe(other, 12, 13)
    assert not dom(stranger.get(url("uses"), **GROUP)).all("ul", class_="pui-uses")
    other.post(url("payments"))
    payment = Payment.objects.get(user=other.user)
    assert stranger.get(url("uses"), **GROUP, payment=payment.pk).status_code == 404
    assert other.get(url("uses"), **GROUP, payment=payment.pk).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "CHX"},
        {"currency": ""},
        {"title": ""},
        {"title": "x" * 201},
        {"title": "Ren\0ders"},
        {"unit": "x" * 41},
        {"unit_price": "NaN"},
        {"unit_price": "1,795"},
        {"payment": "1"},
    ],
)
def test_what_no_link_of_ours_asks_is_not_found(shopper: Shopper, change: dict[str, str]) -> None:
    assert shopper.get(url("uses"), **{**GROUP, **change}).status_code == 404
