"""A form that expired or was declined comes back as it was filled in, without card data."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django import forms
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import ActionRequired, DeclineCode, Declined, Pending
from payments_ui.core.models import Payment, PaymentMethod
from payments_ui.flows import tokens
from payments_ui.moochers import form_refill
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


def declined_at_the_bank(shopper: Shopper, psp: SandboxPSP) -> Any:
    """Come back from the bank's page, which is another site's, and be told of the decline."""
    payment = shopper.begin("5.00")
    cards.outcomes.append(ActionRequired(url="https://bank.example/3ds"))
    shopper.pay(payment, **TYPED)
    cards.outcomes.clear()
    attempt = attempt_of(payment)
    attempt.record(Declined(code=DeclineCode.AUTHENTICATION_FAILED))
    back = shopper.client.get(url("payment", payment), {"failed": attempt.reference})
    return payment, back


@pytest.mark.parametrize("act", [expired, declined, declined_at_the_bank, invalid])
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


def test_the_form_of_a_payment_method_comes_back_from_the_bank_too(
    any_shopper: Shopper, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [SAVING]}
    monkeypatch.setattr(saving, "get_setup_form", lambda request, data=None: LongForm(data))
    saving.setups.append(ActionRequired(url="https://bank.example/3ds"))
    action = "/methods/moochers/saving/"
    fields = dom(any_shopper.get(action)).form(action).fields()
    any_shopper.post(action, {**fields, **TYPED})
    method = PaymentMethod.objects.get()
    method.record(Declined(code=DeclineCode.AUTHENTICATION_FAILED))
    page = any_shopper.client.get(f"/methods/{method.pk}/")
    shown = values(dom(page).form(action))
    assert (shown["name"], shown["pin"], shown["note"]) == ("Ada", "", "")


def test_a_form_that_another_attempt_began_fills_in_nothing(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    payment, _back = declined_at_the_bank(shopper, psp)
    later = payment.start_attempt(moocher="cards")
    later.record(Declined(code=DeclineCode.GENERIC))
    page = shopper.client.get(url("payment", payment), {"failed": later.reference})
    assert values(dom(page).form(url("moocher", payment, "cards")))["name"] == ""


@pytest.mark.parametrize("fails", [True, False])
def test_what_a_form_does_afterwards_hides_no_outcome(
    shopper: Shopper, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    payment = shopper.begin("5.00")
    cards.outcomes.append(Pending(psp_reference="ch_1"))
    posted = {**shopper.form(payment), **TYPED}

    def get_form(request: Any, payment: Any, data: Any = None) -> forms.Form:
        if data is None and fails:
            raise RuntimeError("broken")
        form = LongForm(data)
        if data is None:
            # A session cannot store it.
            form.fields["name"].widget.value_from_datadict = lambda *_told: Decimal(1)
        return form

    monkeypatch.setattr(cards, "get_form", get_form)
    response = shopper.post(url("moocher", payment, "cards"), posted)
    assert response.status_code == 303
    assert attempt_of(payment).state == "processing"
    kept = shopper.client.session.get("payments_ui_filled", {})
    assert "name" not in kept.get("values", {})
    assert bool(kept) != fails


def test_a_session_keeps_no_more_than_a_cookie_holds(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    cards.outcomes.append(Pending(psp_reference="ch_1"))
    typed = {**TYPED, "note": "\u00e4" * 1_000}
    shopper.post(url("moocher", payment, "cards"), {**shopper.form(payment), **typed})
    kept = shopper.client.session["payments_ui_filled"]
    assert kept["values"] == {"name": "Ada", "news": True}


def test_where_a_site_knows_its_users_without_a_session_none_is_begun() -> None:
    request = RequestFactory().post("/", TYPED)
    request.session = SessionStore()
    form_refill.keep(request, LongForm, uuid4())
    assert request.session.is_empty()
