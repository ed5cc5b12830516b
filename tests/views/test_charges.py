from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from payments_ui.core.models import Attempt, LineItem, Payment
from payments_ui.flows import checkout
from payments_ui.testing.psp import SandboxPSP
from tests.fakes import CARDS
from tests.fixtures import MakeShopper
from tests.shopping import Shopper, dom, step, stored, url


def payments_of(shopper: Shopper) -> list[Payment]:
    return list(Payment.objects.filter(user=shopper.user))


def test_the_list_is_a_page_for_browsers_and_a_body_for_htmx(any_shopper: Shopper) -> None:
    any_shopper.owe("5.00")
    response = any_shopper.get(url("charges"))
    assert step(response) == "charges"
    assert bool(dom(response).all("html")) is not any_shopper.js


def test_continue_makes_a_pending_payment_and_charges_nothing(
    any_shopper: Shopper, psp: SandboxPSP
) -> None:
    any_shopper.owe("5.00", "7.00")
    response = any_shopper.post(url("payments"))
    (payment,) = payments_of(any_shopper)
    assert payment.amount == Decimal(12)
    assert payment.state == "pending"
    assert not psp.calls
    if any_shopper.js:
        assert step(response) == "payment"
        assert response["HX-Trigger"] == "payments:changed"
    else:
        assert (response.status_code, response["Location"]) == (303, url("payment", payment))


def test_second_click_resumes_the_pending_payment(any_shopper: Shopper) -> None:
    any_shopper.owe("5.00")
    any_shopper.post(url("payments"))
    any_shopper.owe("7.00")
    any_shopper.post(url("payments"))
    assert [payment.amount for payment in payments_of(any_shopper)] == [Decimal(5)]


def test_what_came_while_a_psp_is_busy_is_paid_by_a_payment_of_its_own(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    first = shopper.begin("5.00")
    psp.plan.add("processing")
    shopper.pay(first)
    shopper.owe("7.00")
    shopper.post(url("payments"))
    assert sorted(p.amount for p in payments_of(shopper)) == [Decimal(5), Decimal(7)]


def test_a_payment_a_psp_is_busy_with_is_shown_where_nothing_else_is_owed(
    js_shopper: Shopper, psp: SandboxPSP
) -> None:
    payment = js_shopper.begin("5.00")
    psp.plan.add("processing")
    js_shopper.pay(payment)
    assert step(js_shopper.post(url("payments"))) == "processing"
    assert len(payments_of(js_shopper)) == 1


def test_zero_is_settled_without_a_psp(any_shopper: Shopper, psp: SandboxPSP) -> None:
    any_shopper.owe("5.00", "-5.00")
    response = any_shopper.post(url("payments"))
    (payment,) = payments_of(any_shopper)
    assert (payment.amount, payment.state) == (Decimal(0), "charged")
    assert not psp.calls
    if any_shopper.js:
        assert step(response) == "charged"


@pytest.mark.parametrize(
    ("amounts", "sentence"),
    [
        ((), "nothing to pay at the moment"),
        (("5.00", "-7.00"), "You have a credit"),
        (("0.001",), "too small to be paid on its own"),
    ],
)
def test_where_there_is_nothing_to_pay_it_says_so(
    any_shopper: Shopper, amounts: tuple[str, ...], sentence: str
) -> None:
    any_shopper.owe(*amounts)
    response = any_shopper.post(url("payments"))
    assert sentence in dom(response).text
    assert response.status_code == (200 if any_shopper.js else 409)
    assert payments_of(any_shopper) == []
    assert LineItem.objects.unbound().count() == len(amounts)


def test_several_currencies_are_paid_one_by_one(any_shopper: Shopper) -> None:
    any_shopper.owe("5.00")
    any_shopper.owe("7.00", currency="EUR")
    response = any_shopper.post(url("payments"))
    assert "several currencies" in dom(response).text
    assert response.status_code == (200 if any_shopper.js else 409)
    any_shopper.post(url("payments"), currency="EUR")
    assert [p.currency for p in payments_of(any_shopper)] == ["EUR"]


def test_a_currency_that_is_none_is_as_if_none_were_given(shopper: Shopper) -> None:
    shopper.owe("5.00")
    shopper.post(url("payments"), currency="<b>")
    assert len(payments_of(shopper)) == 1
    assert shopper.get(url("charges"), currency="XXX1").status_code == 200


def test_only_the_ticked_charges_are_paid(any_shopper: Shopper) -> None:
    items = any_shopper.owe("5.00", "7.00", "9.00")
    ticked = [items[0].pk, items[2].pk]
    any_shopper.post(url("payments"), select="1", currency="CHF", lineitems=ticked)
    (payment,) = payments_of(any_shopper)
    assert payment.amount == Decimal(14)
    assert LineItem.objects.unbound().get() == items[1]


def test_nothing_ticked_is_said_in_the_list(any_shopper: Shopper) -> None:
    any_shopper.owe("5.00")
    response = any_shopper.post(url("payments"), select="1", currency="CHF")
    assert step(response) == "select"
    assert "Select at least one item" in dom(response).text
    assert response.status_code == (200 if any_shopper.js else 422)


def test_somebody_elses_charge_cannot_be_ticked(
    make_shopper: MakeShopper, shopper: Shopper
) -> None:
    (theirs,) = make_shopper().owe("5.00")
    response = shopper.post(url("payments"), select="1", currency="CHF", lineitems=[theirs.pk])
    assert response.status_code == 422
    assert Payment.objects.count() == 0


def test_ticking_a_charge_twice_resumes_its_payment(shopper: Shopper) -> None:
    first, second = shopper.owe("5.00", "7.00")
    other = checkout.begin(shopper.user, lineitems=[second])
    mine = checkout.begin(shopper.user, lineitems=[first])
    assert other is not None
    assert checkout.begin(shopper.user, lineitems=[first]) == mine != other


def test_a_credit_that_is_ticked_alone_resumes_nothing(shopper: Shopper) -> None:
    shopper.begin("5.00")
    (credit,) = shopper.owe("-2.00")
    response = shopper.post(url("payments"), select="1", currency="CHF", lineitems=[credit.pk])
    assert response.status_code == 409


def test_the_list_offers_tick_boxes(shopper: Shopper) -> None:
    shopper.owe("5.00", "7.00")
    boxes = dom(shopper.get(url("charges"), select="1")).all("input", name="lineitems")
    assert len(boxes) == 2


def test_new_charges_are_taken_in_and_left_out_ones_stay_out(any_shopper: Shopper) -> None:
    kept, left_out = any_shopper.owe("5.00", "7.00")
    any_shopper.post(url("payments"), select="1", currency="CHF", lineitems=[kept.pk])
    (payment,) = payments_of(any_shopper)
    any_shopper.owe("1.00")
    response = any_shopper.post(url("lineitems", payment))
    (renewed,) = payments_of(any_shopper)
    assert renewed.amount == Decimal(6)
    assert LineItem.objects.unbound().get() == left_out
    shown = any_shopper.after(response)
    assert step(shown) == "payment"
    assert "Its amount is CHF 6.00." in dom(shown).text


def renewed_elsewhere(shopper: Shopper, *, times: int = 1) -> Payment:
    """A payment that an old window shows, and that was renewed in another one."""
    payment = shopper.begin("5.00")
    for _ in range(times):
        shopper.owe("1.00")
        (latest,) = payments_of(shopper)
        shopper.post(url("lineitems", latest))
    return payment


@pytest.mark.parametrize("times", [1, 2])
def test_an_old_window_leads_to_the_payment_that_was_renewed(
    any_shopper: Shopper, psp: SandboxPSP, times: int
) -> None:
    old = renewed_elsewhere(any_shopper, times=times)
    (renewed,) = payments_of(any_shopper)
    for response in (
        any_shopper.get(url("payment", old)),
        any_shopper.post(url("moocher", old, "cards")),
        any_shopper.post(url("cancellation", old)),
        any_shopper.post(url("lineitems", old)),
    ):
        if any_shopper.js:
            assert response["HX-Retarget"] == "#pui-0-body"
        else:
            assert response["Location"].startswith(url("payment", renewed))
        shown = dom(any_shopper.after(response))
        assert "Items were added to this payment in another window" in shown.text
        assert "cancelled" not in shown.text
        assert shown.all("form", action=url("cancellation", renewed))
    assert not psp.calls
    assert payments_of(any_shopper) == [renewed]


def test_an_old_window_tells_that_the_renewed_payment_is_paid(any_shopper: Shopper) -> None:
    old = renewed_elsewhere(any_shopper)
    (renewed,) = payments_of(any_shopper)
    any_shopper.pay(renewed)
    assert step(any_shopper.after(any_shopper.get(url("payment", old)))) == "charged"


def test_an_old_window_whose_renewed_payment_was_given_up_says_where_the_items_are(
    any_shopper: Shopper,
) -> None:
    old = renewed_elsewhere(any_shopper)
    (renewed,) = payments_of(any_shopper)
    any_shopper.post(url("cancellation", renewed))
    shown = any_shopper.get(url("payment", old))
    assert "Your items are back in your list." in dom(shown).text


def test_items_that_are_in_another_payment_by_now_are_not_said_to_be_in_the_list(
    any_shopper: Shopper,
) -> None:
    old = any_shopper.begin("5.00")
    any_shopper.post(url("cancellation", old))
    any_shopper.post(url("payments"))
    shown = any_shopper.get(url("payment", old))
    assert "This payment was cancelled. Below is what is open now." in dom(shown).text
    assert "back in your list" not in dom(shown).text


def test_an_old_window_that_refreshes_itself_takes_no_focus(js_shopper: Shopper) -> None:
    old = renewed_elsewhere(js_shopper)
    response = js_shopper.get(url("payment", old), news="1", seen="payment")
    assert response["HX-Retarget"] == "#pui-0-body"
    assert "HX-Trigger" not in response
    assert "autofocus" not in response.text


def test_charges_that_were_left_out_are_no_news(any_shopper: Shopper) -> None:
    kept, _left_out = any_shopper.owe("5.00", "7.00")
    any_shopper.post(url("payments"), select="1", currency="CHF", lineitems=[kept.pk])
    (payment,) = payments_of(any_shopper)
    shown = dom(any_shopper.get(url("payment", payment)))
    assert not shown.all("form", action=url("lineitems", payment))
    any_shopper.owe("1.00")
    shown = dom(any_shopper.get(url("payment", payment)))
    assert "You have 1 new item: CHF 1.00." in shown.form(url("lineitems", payment)).text


def test_a_new_credit_that_eats_up_the_rest_leaves_the_payment(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    shopper.owe("-7.00")
    response = shopper.post(url("lineitems", payment))
    assert "Your credit would leave nothing to pay" in dom(shopper.follow(response)).text
    assert stored(payment).state == "pending"


def test_a_new_credit_of_the_same_amount_settles_the_payment(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    shopper.owe("-5.00")
    shopper.post(url("lineitems", payment))
    (renewed,) = payments_of(shopper)
    assert renewed.state == "charged"


def test_nothing_is_taken_into_a_payment_a_psp_is_busy_with(
    any_shopper: Shopper, psp: SandboxPSP
) -> None:
    payment = any_shopper.begin("5.00")
    psp.plan.add("processing")
    any_shopper.pay(payment)
    any_shopper.owe("1.00")
    response = any_shopper.post(url("lineitems", payment))
    assert "waiting for the answer" in dom(response).text
    assert response.status_code == (200 if any_shopper.js else 409)


def test_the_history_shows_what_was_paid(any_shopper: Shopper) -> None:
    payment = any_shopper.begin("5.00")
    any_shopper.pay(payment)
    response = any_shopper.get(url("payments"))
    assert step(response) == "history"
    assert dom(response).one("a", href=url("receipt", payment))


def test_the_receipt_exists_once_it_is_paid(any_shopper: Shopper) -> None:
    payment = any_shopper.begin("5.00")
    assert any_shopper.get(url("receipt", payment)).status_code == 404
    any_shopper.pay(payment)
    response = any_shopper.get(url("receipt", payment))
    assert step(response) == "receipt"
    assert payment.number in dom(response).text


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "99999999", "2"])
def test_a_page_that_is_none_is_the_first(shopper: Shopper, page: str) -> None:
    shopper.owe("5.00")
    assert shopper.get(url("charges"), page=page).status_code == 200


def test_a_payment_given_up_while_zero_is_settled_is_gone(
    shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Payment.start_attempt

    def give_up_first(payment: Payment, **facts: Any) -> Attempt:
        payment.cancel_pending()
        return start(payment, **facts)

    monkeypatch.setattr(Payment, "start_attempt", give_up_first)
    shopper.owe("5.00", "-5.00")
    response = shopper.post(url("payments"))
    assert response.status_code == 410
    assert "cancelled" in dom(response).text


def test_zero_that_another_click_settles_is_settled_once(
    shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle_zero = Payment.settle_zero

    def another_click_first(payment: Payment) -> None:
        monkeypatch.setattr(Payment, "settle_zero", settle_zero)
        checkout.begin(shopper.user)
        settle_zero(payment)

    monkeypatch.setattr(Payment, "settle_zero", another_click_first)
    shopper.owe("5.00", "-5.00")
    payment = checkout.begin(shopper.user)
    assert payment is not None
    assert payment.state == "charged"
    assert payment.attempts.count() == 1


def test_the_only_way_to_pay_is_open_at_once(any_shopper: Shopper, settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}
    payment = any_shopper.begin("5.00")
    shown = dom(any_shopper.get(url("payment", payment)))
    assert shown.form(url("moocher", payment, "cards"))


@pytest.mark.parametrize("component", ["payment-history", "nothing", ""])
def test_a_fragment_of_another_component_is_the_list(js_shopper: Shopper, component: str) -> None:
    js_shopper.owe("5.00")
    response = js_shopper.get(url("charges"), **{"w-component": component})
    assert response.status_code == 200
    assert step(response) == "charges"
