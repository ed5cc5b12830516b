"""Paying with what is saved, and saving while paying: in place and as pages."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import ActionRequired, DeclineCode, Declined
from payments_ui.core.models import Payment, PaymentMethod
from payments_ui.core.paymentmethods.consent import wording
from payments_ui.payer import Payer
from payments_ui.testing.psp import SandboxPSP
from tests.dom import Node
from tests.fakes import CARDS
from tests.fixtures import MakeShopper
from tests.saving import SAVING, saved, saving
from tests.shopping import Shopper, attempt_of, dom, stored, url


@pytest.fixture(autouse=True)
def saves(psp: SandboxPSP, settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [SAVING, CARDS]}


def review(shopper: Shopper, payment: Payment, **query: str) -> Node:
    return dom(shopper.get(url("payment", payment), **query))


def chosen(shown: Node) -> str:
    (radio,) = [node for node in shown.all("input", name="moocher") if "checked" in node.attrs]
    return radio.attrs["value"]


def pay_form(shopper: Shopper, payment: Payment) -> dict[str, str]:
    """What the form would post that the review shows without being asked."""
    return review(shopper, payment).form(url("moocher", payment, "saving")).fields()


def press(shopper: Shopper, payment: Payment, **changes: str) -> Any:
    """Press the button that the review shows without being asked."""
    data = {**pay_form(shopper, payment), **changes}
    return shopper.post(url("moocher", payment, "saving"), data)


def test_the_default_is_chosen_and_one_press_pays(any_shopper: Shopper, psp: SandboxPSP) -> None:
    method = saved(any_shopper.user)
    payment = any_shopper.begin("5.00")
    shown = review(any_shopper, payment)
    assert chosen(shown) == f"saving:{method.pk}"
    form = shown.form(url("moocher", payment, "saving"))
    assert form.one("button").text == "Pay CHF 5.00"
    assert "You pay with Visa ending 4242." in form.text
    press(any_shopper, payment)
    assert stored(payment).state == "charged"
    assert attempt_of(payment).payment_method == method
    assert psp.calls == {"create": 1}


def test_continuing_to_payment_leads_to_the_press(js_shopper: Shopper) -> None:
    method = saved(js_shopper.user)
    js_shopper.owe("5.00")
    shown = dom(js_shopper.post(url("payments")))
    assert chosen(shown) == f"saving:{method.pk}"
    (payment,) = Payment.objects.all()
    assert shown.form(url("moocher", payment, "saving")).fields()["payment_method"]


def test_another_one_is_a_choice_away(any_shopper: Shopper) -> None:
    saved(any_shopper.user)
    second = saved(any_shopper.user, last_four="1881")
    payment = any_shopper.begin("5.00")
    shown = review(any_shopper, payment, moocher=f"saving:{second.pk}")
    form = shown.form(url("moocher", payment, "saving"))
    assert "You pay with Visa ending 1881." in form.text
    assert form.fields()["payment_method"] == str(second.pk)


def test_a_new_card_is_a_choice_away(any_shopper: Shopper) -> None:
    saved(any_shopper.user)
    payment = any_shopper.begin("5.00")
    form = review(any_shopper, payment, moocher="saving").form(url("moocher", payment, "saving"))
    assert "payment_method" not in form.fields()
    assert form.one("input", name="name")


def test_what_has_expired_is_not_chosen(any_shopper: Shopper) -> None:
    saved(any_shopper.user, expires_year=2020, expires_month=1)
    second = saved(any_shopper.user, last_four="1881")
    payment = any_shopper.begin("5.00")
    assert chosen(review(any_shopper, payment)) == f"saving:{second.pk}"


def test_who_chooses_what_has_expired_is_told_why_not(any_shopper: Shopper) -> None:
    method = saved(any_shopper.user, expires_year=2020, expires_month=1)
    payment = any_shopper.begin("5.00")
    shown = review(any_shopper, payment, moocher=f"saving:{method.pk}")
    assert not shown.all("form", action=url("moocher", payment, "saving"))
    assert "Expired 01/2020" in shown.with_attr("data-pui-panel")[0].text


def only_looks(request: Any) -> Payer:
    return Payer(request.user, may_pay=False)


def test_who_may_not_pay_has_no_button(any_shopper: Shopper, settings: Settings) -> None:
    saved(any_shopper.user)
    payment = any_shopper.begin("5.00")
    settings.PAYMENTS_UI |= {"PAYER": f"{__name__}.only_looks"}
    assert "You can see these items" in review(any_shopper, payment).text
    assert review(any_shopper, payment).all("form") == []


def test_what_cannot_take_the_payment_is_not_chosen(any_shopper: Shopper, monkeypatch: Any) -> None:
    saved(any_shopper.user)
    monkeypatch.setattr(saving, "currencies", frozenset({"EUR"}))
    payment = any_shopper.begin("5.00")
    shown = review(any_shopper, payment)
    radios = shown.all("input", name="moocher")
    assert [radio for radio in radios if "checked" in radio.attrs] == []
    assert "disabled" in radios[0].attrs


@pytest.mark.parametrize("option", ["saving:junk", "nobody", "saving:"])
def test_an_option_that_is_none_is_refused(any_shopper: Shopper, option: str) -> None:
    saved(any_shopper.user)
    payment = any_shopper.begin("5.00")
    response = any_shopper.get(url("payment", payment), moocher=option)
    if any_shopper.js:
        assert "not available" in dom(response).text
    else:
        assert response.status_code == 404


def test_that_of_somebody_else_is_no_option_and_pays_nothing(
    any_shopper: Shopper, make_shopper: MakeShopper, psp: SandboxPSP
) -> None:
    saved(any_shopper.user)
    theirs = saved(make_shopper().user)
    payment = any_shopper.begin("5.00")
    response = press(any_shopper, payment, payment_method=str(theirs.pk))
    assert response.status_code == (200 if any_shopper.js else 409)
    assert "can no longer be used" in dom(response).text
    assert not psp.calls


def test_what_the_psp_has_no_more_leads_to_the_form_of_a_new_one(
    any_shopper: Shopper, psp: SandboxPSP
) -> None:
    saved(any_shopper.user)
    payment = any_shopper.begin("5.00")
    data = pay_form(any_shopper, payment)
    saving.kept.clear()
    response = any_shopper.post(url("moocher", payment, "saving"), data)
    assert "can no longer be used" in dom(response).text
    assert "payment_method" not in dom(response).form(url("moocher", payment, "saving")).fields()
    assert not psp.calls


def test_after_a_decline_the_same_is_chosen_again(any_shopper: Shopper) -> None:
    saved(any_shopper.user)
    second = saved(any_shopper.user, last_four="1881")
    payment = any_shopper.begin("5.00")
    saving.outcomes.append(Declined(code=DeclineCode.INSUFFICIENT_FUNDS))
    response = press(any_shopper, payment, payment_method=str(second.pk))
    assert "Nothing was charged." in dom(response).text
    assert chosen(dom(response)) == f"saving:{second.pk}"


def test_a_form_that_has_expired_keeps_the_choice(any_shopper: Shopper) -> None:
    saved(any_shopper.user)
    second = saved(any_shopper.user, last_four="1881")
    payment = any_shopper.begin("5.00")
    changes = {"payment_method": str(second.pk), "pui-token": ""}
    assert chosen(dom(press(any_shopper, payment, **changes))) == f"saving:{second.pk}"


def test_a_step_that_a_saved_card_asks_for_is_taken(any_shopper: Shopper) -> None:
    saved(any_shopper.user)
    payment = any_shopper.begin("5.00")
    saving.outcomes.append(ActionRequired(url="https://psp.example/step", psp_reference="ch_1"))
    response = press(any_shopper, payment)
    assert attempt_of(payment).state == "requires_action"
    if any_shopper.js:
        assert (response.status_code, response["HX-Redirect"]) == (204, "https://psp.example/step")
    else:
        assert (response.status_code, response["Location"]) == (303, url("payment", payment))


# --- Saving while paying


def new_card(shopper: Shopper, payment: Payment) -> Node:
    shown = review(shopper, payment, moocher="saving")
    return shown.form(url("moocher", payment, "saving"))


def test_both_boxes_are_unticked_and_say_what_they_are_for(any_shopper: Shopper) -> None:
    form = new_card(any_shopper, any_shopper.begin("5.00"))
    for name in ("save_method", "allow_unattended"):
        assert "checked" not in form.one("input", name=name).attrs
    assert wording().save in form.text
    assert wording().unattended in form.text
    assert form.fields()["consent_version"] == wording().version


@pytest.mark.parametrize("ticked", [{}, {"allow_unattended": "on"}])
def test_nothing_is_saved_unless_the_first_box_is_ticked(
    shopper: Shopper, ticked: dict[str, str]
) -> None:
    payment = shopper.begin("5.00")
    shopper.pay(payment, "saving", **ticked)
    assert stored(payment).state == "charged"
    assert not PaymentMethod.objects.exists()


def test_a_form_that_is_shown_again_keeps_the_ticks(any_shopper: Shopper) -> None:
    payment = any_shopper.begin("5.00")
    response = any_shopper.pay(payment, "saving", save_method="on", name="")
    form = dom(response).form(url("moocher", payment, "saving"))
    assert "checked" in form.one("input", name="save_method").attrs
    assert "checked" not in form.one("input", name="allow_unattended").attrs


def test_a_moocher_that_saves_nothing_asks_for_nothing(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    shown = review(shopper, payment, moocher="cards").form(url("moocher", payment, "cards"))
    assert shown.all("input", name="save_method") == []


def test_a_site_that_never_charges_without_its_customers_does_not_ask(
    any_shopper: Shopper, settings: Settings
) -> None:
    settings.PAYMENTS_UI |= {"ASK_UNATTENDED": False}
    payment = any_shopper.begin("5.00")
    form = new_card(any_shopper, payment)
    assert form.all("input", name="allow_unattended") == []
    any_shopper.pay(payment, "saving", save_method="on", allow_unattended="on")
    assert not PaymentMethod.objects.get().allows_unattended
