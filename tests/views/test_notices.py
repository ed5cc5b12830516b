"""What an action did, said on the page that follows where no JavaScript runs."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.fixtures import MakeShopper
from tests.shopping import Shopper, dom, url

SAID = "Nothing was charged. Your items are back in your list."


def cancelled(shopper: Shopper) -> str:
    """Cancel a payment, and return where that leads."""
    response = shopper.post(url("cancellation", shopper.begin("5.00")))
    location: str = response["Location"]
    return location


def test_it_is_said_with_the_focus(shopper: Shopper) -> None:
    shown = dom(shopper.client.get(cancelled(shopper)))
    (heading,) = shown.with_attr("autofocus")
    assert SAID in shown.one(id=heading.attrs["aria-describedby"]).text


def test_it_is_said_no_more_where_the_books_have_changed(shopper: Shopper) -> None:
    path = cancelled(shopper)
    shopper.pay(shopper.begin("1.00"))
    assert SAID not in dom(shopper.client.get(path)).text


def test_it_is_nobody_elses(make_shopper: MakeShopper) -> None:
    path = cancelled(make_shopper())
    other = make_shopper()
    other.post(url("cancellation", other.begin("5.00")))
    assert SAID not in dom(other.client.get(path)).text


def test_nobody_makes_it_up(shopper: Shopper) -> None:
    shown = dom(shopper.get(url("charges"), notice="You have won."))
    assert "won" not in shown.text
    assert not shown.with_attr("autofocus")


def test_it_is_not_kept(shopper: Shopper, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cancelled(shopper)
    later = timezone.now().timestamp() + 3600
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert SAID not in dom(shopper.client.get(path)).text
