"""A transfer that comes short, completes, or is too much, as the customer reads it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pytest_django import Settings

from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.models import Attempt, LineItem, Payment, SuspenseItem
from tests.fakes import TRANSFER, transfer
from tests.shopping import IN_PLACE, Shopper, attempt_of, dom, step, stored, url

WHO = {"by": "user:7", "reason": "seen"}


@pytest.fixture(autouse=True)
def _transfers(settings: Settings) -> None:
    settings.PAYMENTS_UI = {**settings.PAYMENTS_UI, "MOOCHERS": [TRANSFER]}


@pytest.fixture
def waiting(any_shopper: Shopper) -> Payment:
    """Return a payment of 4.80 that waits for a transfer."""
    payment = any_shopper.begin("4.80")
    any_shopper.pay(payment, identifier="transfer")
    return payment


def arrive(payment: Payment, amount: str) -> None:
    book_arrival(
        moocher=transfer.identifier,
        account=transfer.account,
        psp_reference=attempt_of(payment).psp_reference or "",
        amount=Decimal(amount),
        currency="CHF",
        event_id=f"{payment.pk} {amount}",
    )


def test_what_arrived_and_what_is_missing_is_said_and_the_rest_completes(
    any_shopper: Shopper, waiting: Payment
) -> None:
    arrive(waiting, "2.30")
    for shown in (any_shopper.get(url("payment", waiting)), any_shopper.get(url("charges"))):
        text = dom(shown).text
        assert "We received CHF 2.30; CHF 2.50 is missing" in text
        assert "has changed" not in text
        assert "Nothing was charged" not in text
        (code,) = dom(shown).all("svg", role="img")
        assert code.attrs["aria-label"]
        values = [node.attrs["data-value"] for node in dom(shown).with_attr("data-value")]
        assert "2.50" in values
        assert "4.80" not in values
    arrive(waiting, "2.50")
    assert stored(waiting).state == Payment.State.CHARGED
    shown = any_shopper.get(url("payment", waiting))
    assert step(shown) == "charged"
    assert "too much" not in dom(shown).text


def test_what_is_too_much_is_said_on_the_receipt_and_what_became_of_it(
    any_shopper: Shopper, waiting: Payment
) -> None:
    arrive(waiting, "5.80")
    places = [url("payment", waiting), url("receipt", waiting)]
    for place in places:
        text = dom(any_shopper.get(place)).text
        assert "You paid CHF 1.00 too much. We will credit it to you or send it back." in text
    assert "CHF 1.00 too much" in dom(any_shopper.get(url("payments"))).text
    SuspenseItem.objects.get().give_back(**WHO)
    Attempt.objects.get(state="surplus").refunds.get().mark_sent(**WHO)
    for place in places:
        assert "too much. We sent it back on" in dom(any_shopper.get(place)).text
    assert "CHF 1.00 too much, sent back" in dom(any_shopper.get(url("payments"))).text


def test_who_cancels_after_a_part_arrived_reads_what_becomes_of_it(
    any_shopper: Shopper, waiting: Payment
) -> None:
    arrive(waiting, "2.30")
    kept = "We have received CHF 2.30, and will credit it to you or send it back."
    asked = any_shopper.get(url("cancellation", waiting))
    assert kept in dom(asked).text
    response = any_shopper.post(url("cancellation", waiting), confirmed="1")
    shown = dom(any_shopper.after(response)).text
    assert kept in shown
    assert "Nothing was charged" not in shown
    assert LineItem.objects.unbound().count() == 1
    assert SuspenseItem.objects.open().get().amount == Decimal("2.30")


def test_who_pays_another_way_reads_it_too(any_shopper: Shopper, waiting: Payment) -> None:
    arrive(waiting, "2.30")
    response = any_shopper.post(url("attempt_cancellation", waiting), confirmed="1")
    assert "We have received CHF 2.30" in dom(any_shopper.after(response)).text
    assert attempt_of(waiting).state == Attempt.State.MISMATCH


def test_a_window_that_looks_learns_of_a_part(js_shopper: Shopper) -> None:
    payment = js_shopper.begin("4.80")
    js_shopper.pay(payment, identifier="transfer")
    watch = dom(js_shopper.get(url("payment", payment))).with_attr("data-pui-bg")[0].attrs["hx-get"]
    assert js_shopper.client.get(watch, headers=IN_PLACE).status_code == 204
    arrive(payment, "2.30")
    assert "CHF 2.50 is missing" in dom(js_shopper.client.get(watch, headers=IN_PLACE)).text
