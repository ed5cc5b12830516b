"""A form that expired or was declined comes back as it was filled in, without card data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django import forms
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.models import Payment
from payments_ui.flows import tokens
from payments_ui.testing.psp import SandboxPSP
from tests.dom import Node
from tests.fakes import CARDS, cards
from tests.saving import SAVING, saving
from tests.shopping import Shopper, attempt_of, dom, url

CARD_NUMBER = "4242 4242 4242 4242"


class TwoInputs(forms.MultiWidget):
    def decompress(self, value: Any) -> list[str]:
        return str(value or "").split("-")


class TwoParts(forms.MultiValueField):
    def compress(self, data_list: list[str]) -> str:
        return "-".join(data_list)


class LongForm(forms.Form):
    name = forms.CharField()
    news = forms.BooleanField(required=False)
    pin = forms.CharField(required=False, widget=forms.PasswordInput(render_value=True))
    code = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"autocomplete": "section-a cc-csc"})
    )
    api_key = forms.CharField(required=False)
    note = forms.CharField(required=False)
    pages = TwoParts(
        required=False,
        fields=(forms.CharField(), forms.CharField()),
        widget=TwoInputs(widgets=[forms.TextInput, forms.TextInput]),
    )
    plan = forms.CharField(widget=forms.HiddenInput, initial="fresh", required=False)


TYPED = {
    "name": "Ada",
    "news": "on",
    "pin": "1234",
    "code": "987",
    "api_key": "key-of-ada",
    "note": CARD_NUMBER,
    "pages_0": "one",
    "pages_1": CARD_NUMBER,
    "plan": "stale",
}


@pytest.fixture(autouse=True)
def long_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "get_form", lambda request, payment, data=None: LongForm(data))


def expired(shopper: Shopper, psp: SandboxPSP) -> Any:
    payment = shopper.begin("5.00")
    return payment, shopper.pay(payment, **TYPED, **{tokens.TOKEN: "old"})


def declined(shopper: Shopper, psp: SandboxPSP) -> Any:
    psp.plan.add("insufficient_funds")
    payment = shopper.begin("5.00")
    return payment, shopper.pay(payment, **TYPED)


def invalid(shopper: Shopper, psp: SandboxPSP) -> Any:
    payment = shopper.begin("5.00")
    return payment, shopper.pay(payment, **{**TYPED, "name": ""})


def values(form: Node) -> dict[str, str]:
    fields = form.fields()
    return {name: fields.get(name, "") for name in TYPED}


@pytest.mark.parametrize("act", [expired, declined, invalid])
def test_what_was_typed_comes_back_and_nothing_that_is_secret(
    any_shopper: Shopper, psp: SandboxPSP, act: Callable[..., Any]
) -> None:
    payment, response = act(any_shopper, psp)
    form = dom(response).form(url("moocher", payment, "cards"))
    shown = values(form)
    assert shown["name"] == ("" if act is invalid else "Ada")
    assert "checked" in form.one("input", name="news").attrs
    assert [shown[name] for name in ("pin", "code", "api_key", "note", "pages_1")] == [""] * 5
    assert shown["plan"] == ("stale" if act is invalid else "fresh")


def test_what_another_form_posted_fills_in_nothing(
    any_shopper: Shopper, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}
    payment = any_shopper.begin("5.00")
    any_shopper.owe("1.00")
    response = any_shopper.post(url("lineitems", payment), name="Eve")
    shown = dom(any_shopper.after(response))
    new = Payment.objects.get()
    assert values(shown.form(url("moocher", new, "cards")))["name"] == ""


def test_a_declined_form_that_is_loaded_again_starts_no_second_attempt(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    psp.plan.add("insufficient_funds")
    payment = shopper.begin("5.00")
    posted = {**shopper.form(payment), **TYPED}
    for _time in range(2):
        response = shopper.post(url("moocher", payment, "cards"), posted)
        assert response.status_code == 402
        assert dom(response).one("title").text.startswith("Error: Review and pay")
    assert attempt_of(payment).state == "failed"


def test_the_form_of_a_payment_method_comes_back_too(
    js_shopper: Shopper, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [SAVING]}
    monkeypatch.setattr(saving, "get_setup_form", lambda request, data=None: LongForm(data))
    saving.setups.append(Declined(code=DeclineCode.EXPIRED_CARD))
    action = "/methods/moochers/saving/"
    fields = dom(js_shopper.get(action)).form(action).fields()
    response = js_shopper.post(action, {**fields, **TYPED})
    shown = values(dom(response).form(action))
    assert (shown["name"], shown["pin"], shown["note"]) == ("Ada", "", "")
