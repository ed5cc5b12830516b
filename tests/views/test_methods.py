"""Saved payment methods: adding, removing, the default, in place and as pages."""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from payments_ui.core import queries
from payments_ui.core.attempts.outcomes import ActionRequired, DeclineCode, Declined, Pending
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.models import Payment, PaymentMethod
from payments_ui.core.paymentmethods.consent import wording
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.base import AttemptUrls
from tests.dom import Node
from tests.fakes import CARDS, CardForm
from tests.fixtures import MakeShopper
from tests.saving import SAVING, saved, saving
from tests.shopping import IN_PLACE, Shopper, dom, step

State = PaymentMethod.State


@pytest.fixture(autouse=True)
def saves(psp: object, settings: Settings) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [SAVING, CARDS]}


def path(name: str, method: PaymentMethod | None = None, **kwargs: str) -> str:
    found: str = reverse(f"payments_ui:{name}", kwargs={"pk": method.pk} if method else kwargs)
    return found


SETUP = "/methods/moochers/saving/"


def form(shopper: Shopper) -> dict[str, str]:
    return dom(shopper.get(SETUP)).form(SETUP).fields()


def only() -> PaymentMethod:
    method: PaymentMethod = PaymentMethod.objects.select_related("psp_customer").get()
    return method


def error(response: Any) -> str:
    found: Node = next(node for node in dom(response) if node.attrs.get("id", "")[-6:] == "-error")
    return found.text


# --- Adding


def test_the_form_says_what_is_agreed_to_and_charges_nothing(any_shopper: Shopper) -> None:
    response = any_shopper.get(SETUP)
    assert step(response) == "adding"
    shown = dom(response)
    assert wording().save in shown.text
    assert "Nothing is charged now." in shown.text
    unattended = shown.one("input", name="allow_unattended")
    assert "checked" not in unattended.attrs
    assert shown.form(SETUP).fields()["consent_version"] == wording().version


def test_what_is_saved_is_in_the_list(any_shopper: Shopper) -> None:
    response = any_shopper.post(SETUP, form(any_shopper))
    method = only()
    assert (method.state, method.consent_text) == (State.ACTIVE, wording().save)
    assert not method.allows_unattended
    if any_shopper.js:
        assert response["HX-Trigger"] == "payments:changed"
    else:
        assert (response.status_code, response["Location"]) == (303, path("method", method))
        response = any_shopper.get(response["Location"])
    assert step(response) == "methods"
    assert "Visa ending 4242 is saved." in dom(response).text


def test_charging_without_the_user_is_agreed_to_by_a_box_of_its_own(shopper: Shopper) -> None:
    shopper.post(SETUP, form(shopper), allow_unattended="on")
    assert only().unattended_text == wording().unattended


def test_another_wording_is_shown_again(any_shopper: Shopper) -> None:
    response = any_shopper.post(SETUP, {**form(any_shopper), "consent_version": "older"})
    assert response.status_code == (200 if any_shopper.js else 409)
    assert step(response) == "adding"
    assert "expired" in error(response)
    assert not PaymentMethod.objects.exists()


def test_a_form_with_errors_is_shown_again(
    any_shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "get_setup_form", lambda request, data=None: CardForm(data))
    response = any_shopper.post(SETUP, {**form(any_shopper), "note": "kept"})
    assert response.status_code == (200 if any_shopper.js else 422)
    assert step(response) == "adding"
    assert dom(response).one("input", name="note").attrs["value"] == "kept"
    assert not PaymentMethod.objects.exists()


def test_what_the_psp_refuses_to_save_is_told_with_the_form(any_shopper: Shopper) -> None:
    saving.setups.append(Declined(code=DeclineCode.EXPIRED_CARD))
    response = any_shopper.post(SETUP, form(any_shopper))
    if not any_shopper.js:
        response = any_shopper.get(response["Location"])
    assert step(response) == "adding"
    assert "Nothing was saved." in error(response)
    assert dom(response).form(SETUP)


def test_what_failed_at_a_moocher_that_is_no_longer_listed_leads_to_the_list(
    any_shopper: Shopper, settings: Settings
) -> None:
    saving.setups.append(Declined(code=DeclineCode.GENERIC))
    any_shopper.post(SETUP, form(any_shopper))
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}
    response = any_shopper.get(path("method", only()))
    assert step(response) == "methods"
    assert "Nothing was saved." in error(response)


def test_a_step_at_the_psp_leads_there(any_shopper: Shopper) -> None:
    saving.setups.append(ActionRequired(url="https://psp.example/step"))
    response = any_shopper.post(SETUP, form(any_shopper))
    if any_shopper.js:
        assert (response.status_code, response["HX-Redirect"]) == (204, "https://psp.example/step")
    else:
        saving.setups.append(Pending())
        shown = dom(any_shopper.get(response["Location"]))
        assert shown.one("a", href="https://psp.example/step").text == "Continue with Card"
        assert "One more step" in shown.text


def test_a_step_in_the_page_is_what_the_moocher_says(js_shopper: Shopper, monkeypatch: Any) -> None:
    monkeypatch.setattr(saving, "instructions_for_setup", "Confirm it with your bank.")
    saving.setups += [ActionRequired(), Pending()]
    shown = dom(js_shopper.post(SETUP, form(js_shopper)))
    assert "One more step" in shown.text
    assert "Confirm it with your bank." in shown.text
    described = shown.one("h3").attrs["aria-describedby"].split()
    assert "Confirm it with your bank." in " ".join(shown.one(id=each).text for each in described)


@pytest.mark.parametrize("fault", ["raises", "unlisted"])
def test_instructions_that_fail_hide_nothing(
    js_shopper: Shopper, monkeypatch: Any, settings: Settings, fault: str
) -> None:
    saving.setups += [Pending(), Pending()]
    js_shopper.post(SETUP, form(js_shopper))
    if fault == "raises":
        monkeypatch.setattr(saving, "setup_instructions", mock.Mock(side_effect=ValueError))
    else:
        settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}
    response = js_shopper.get(path("method", only()))
    assert step(response) == "saving"
    assert "is being saved" in dom(response).text


def test_a_form_that_fails_breaks_no_page(
    any_shopper: Shopper, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(saving, "setup_form", mock.Mock(side_effect=ValueError))
    with caplog.at_level(logging.ERROR):
        response = any_shopper.get(SETUP)
    assert response.status_code == 200
    assert "not available" in error(response)
    assert caplog.records


@pytest.mark.parametrize("identifier", ["cards", "nobody"])
def test_what_saves_nothing_has_no_form(shopper: Shopper, identifier: str) -> None:
    assert shopper.get(path("method_setup", identifier=identifier)).status_code == 404


# --- While it is being saved


def waiting(shopper: Shopper) -> PaymentMethod:
    saving.setups.append(Pending())
    shopper.post(SETUP, form(shopper))
    return only()


def test_the_page_looks_until_it_is_saved(js_shopper: Shopper, monkeypatch: Any) -> None:
    method = waiting(js_shopper)
    saving.setups.append(Pending())
    shown = dom(js_shopper.get(path("method", method), w="pui-1"))
    refresher = shown.one(id="pui-1-refresher")
    assert refresher.attrs["hx-trigger"].startswith("every 3s")
    # Another tab asked just now.
    assert js_shopper.get(refresher.attrs["hx-get"]).status_code == 204
    later = timezone.now() + dt.timedelta(seconds=4)
    monkeypatch.setattr("payments_ui.flows.payment_methods.timezone.now", lambda: later)
    response = js_shopper.get(refresher.attrs["hx-get"])
    assert step(response) == "methods"
    assert response["HX-Retarget"] == "#pui-1-body"
    assert dom(response).with_attr("autofocus") == []
    assert "Visa ending 4242 is saved." in dom(response).one(id="pui-1-live").text


@pytest.mark.parametrize(
    ("outcome", "reloads"), [(Pending(), True), (ActionRequired(url="https://psp.example/"), False)]
)
def test_without_javascript_the_page_looks_again_unless_a_step_is_to_be_taken(
    shopper: Shopper, outcome: Any, reloads: bool
) -> None:
    saving.setups.append(outcome)
    shopper.post(SETUP, form(shopper))
    saving.setups.append(Pending())
    shown = dom(shopper.get(path("method", only())))
    assert bool(shown.all("meta", http_equiv="refresh")) is reloads


def test_a_slower_look_replaces_the_refresher_only(js_shopper: Shopper) -> None:
    method = waiting(js_shopper)
    saving.setups.append(Pending())
    response = js_shopper.get(path("method", method), news=1, seen="saving:30", w="pui-1")
    assert dom(response).with_attr("data-pui-body") == []
    assert dom(response).one(id="pui-1-refresher")
    assert dom(response).one(id="pui-1-live").text == ""


def test_what_was_not_saved_is_told_to_who_hears(js_shopper: Shopper, monkeypatch: Any) -> None:
    method = waiting(js_shopper)
    saving.setups.append(Declined(code=DeclineCode.EXPIRED_CARD))
    later = timezone.now() + dt.timedelta(seconds=4)
    monkeypatch.setattr("payments_ui.flows.payment_methods.timezone.now", lambda: later)
    response = js_shopper.get(path("method", method), news=1, seen="saving:3", w="pui-1")
    assert step(response) == "adding"
    assert dom(response).one(id="pui-1-live").text.startswith("Nothing was saved.")
    assert dom(response).with_attr("autofocus") == []


def test_who_does_not_wait_for_ever_is_told_so(js_shopper: Shopper) -> None:
    method = waiting(js_shopper)
    unguarded(method).update(updated_at=timezone.now() - dt.timedelta(hours=1))
    saving.setups.append(Pending())
    response = js_shopper.get(path("method", method), news=1, seen="saving:30", w="pui-1")
    said = dom(response).one(id="pui-1-live").text
    assert said == "This page no longer updates automatically."


def test_it_can_be_called_off(any_shopper: Shopper) -> None:
    method = waiting(any_shopper)
    saving.setups.append(Pending())
    shown = dom(any_shopper.get(path("method", method)))
    fields = shown.form(path("method_removal", method)).fields()
    response = any_shopper.post(path("method_removal", method), fields)
    assert only().state in (State.REMOVING, State.REMOVED)
    if any_shopper.js:
        assert "Nothing was saved." in dom(response).text


def test_coming_back_from_the_psp_asks_it_at_once(shopper: Shopper) -> None:
    method = waiting(shopper)
    saving.setups.append(Pending())
    shopper.get(path("method", method))
    # Just asked, and asked again: its owner has been there meanwhile.
    response = shopper.get(path("method_return", method), state="failed")
    assert (response.status_code, response["Location"]) == (303, path("method", method))
    assert only().state == State.ACTIVE
    again = shopper.get(path("method_return", method))
    assert "is saved." in dom(shopper.get(again["Location"])).text


def test_the_way_back_leads_to_the_page_that_was_left_for_the_psp(
    make_shopper: MakeShopper, monkeypatch: Any
) -> None:
    shopper = make_shopper()
    told: list[AttemptUrls] = []

    def save(method: object, *, data: object, urls: AttemptUrls) -> Pending:
        told.append(urls)
        return Pending()

    monkeypatch.setattr(saving, "save", save)
    shopper.client.post(SETUP, form(shopper), headers={"Referer": "http://testserver/account/?a=1"})
    (urls,) = told
    response = shopper.get(urls.return_url)
    shown = dom(shopper.get(response["Location"]))
    assert shown.one("a", href="/account/?a=1").text == "Back to the previous page"
    for wrong in ("junk", FormToken.fields(Payment())["pui-token"]):
        again = dom(shopper.get(path("method", only()), back=wrong))
        assert not again.all("a", href="/account/?a=1")


def test_a_moocher_that_is_no_longer_listed_is_not_asked(
    shopper: Shopper, settings: Settings
) -> None:
    method = waiting(shopper)
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}
    assert shopper.get(path("method_return", method)).status_code == 303
    assert only().state == State.PENDING


def test_a_visitor_who_comes_back_has_nobody_asked(shopper: Shopper) -> None:
    method = waiting(shopper)
    response = Client().get(path("method_return", method), {"state": "succeeded"})
    assert (response.status_code, response["Location"]) == (303, path("method", method))
    assert only().state == State.PENDING


def test_a_return_by_post_comes_back_with_its_cookies(shopper: Shopper) -> None:
    method = waiting(shopper)
    # As another site sends it: without cookies.
    response = Client().post(path("method_return", method))
    assert (response.status_code, response["Location"]) == (303, path("method_return", method))
    assert only().state == State.PENDING


# --- The default


def test_the_default_is_changed(any_shopper: Shopper) -> None:
    saved(any_shopper.user)
    second = saved(any_shopper.user, last_four="1881")
    shown = dom(any_shopper.get(path("methods")))
    fields = shown.form(path("method_default", second)).fields()
    response = any_shopper.post(path("method_default", second), fields)
    second.refresh_from_db()
    assert second.is_default
    assert "Visa ending 1881 is now your default." in dom(any_shopper.after(response)).text
    if any_shopper.js:
        assert response["HX-Trigger"] == "payments:changed"


def test_what_was_removed_in_another_tab_is_no_default(any_shopper: Shopper) -> None:
    method = saved(any_shopper.user)
    method.remove()
    response = any_shopper.post(path("method_default", method))
    assert response.status_code == (200 if any_shopper.js else 409)
    assert step(response) == "methods"
    assert error(response)


# --- Removing


def test_removing_is_asked_about_first(any_shopper: Shopper) -> None:
    method = saved(any_shopper.user)
    response = any_shopper.get(path("method_removal", method))
    assert step(response) == "removal"
    assert "Remove Visa ending 4242?" in dom(response).text
    response = any_shopper.post(
        path("method_removal", method), dom(response).form(path("method_removal", method)).fields()
    )
    assert only().state == State.REMOVED
    assert saving.kept == {}
    assert "Visa ending 4242 was removed." in dom(any_shopper.after(response)).text


def test_a_psp_that_does_not_answer_is_asked_again_later(
    js_shopper: Shopper, monkeypatch: Any
) -> None:
    monkeypatch.setattr(saving, "forget", mock.Mock(side_effect=TimeoutError))
    method = saved(js_shopper.user)
    response = js_shopper.post(path("method_removal", method))
    assert only().state == State.REMOVING
    assert "can no longer be charged here" in dom(response).text


@pytest.mark.parametrize("way", ["get", "post"])
def test_what_was_removed_already_is_said_to_be(any_shopper: Shopper, way: str) -> None:
    method = saved(any_shopper.user)
    method.remove()
    for name in ("method_removal", "method") if way == "get" else ("method_removal",):
        response = getattr(any_shopper, way)(path(name, method))
        assert response.status_code == (200 if any_shopper.js else 410)
        assert step(response) == "methods"
        assert "This payment method was removed." in dom(response).text


# --- Steps in the page


def test_a_step_in_the_page_gets_what_the_script_needs(shopper: Shopper, monkeypatch: Any) -> None:
    method = waiting(shopper)
    monkeypatch.setattr(saving, "browser_step", lambda subject: {"client_secret": str(subject.pk)})
    response = shopper.post(path("method_step", method))
    assert json.loads(response.content) == {"client_secret": str(method.pk)}
    assert "no-store" in response["Cache-Control"]


def test_what_is_saved_has_no_step(shopper: Shopper, monkeypatch: Any) -> None:
    method = saved(shopper.user)
    monkeypatch.setattr(saving, "browser_step", lambda subject: {"client_secret": "x"})
    assert shopper.post(path("method_step", method)).status_code == 409


# --- News


@pytest.mark.parametrize("change", ["saved", "default", "removed"])
def test_what_changes_elsewhere_is_news_to_a_live_page(shopper: Shopper, change: str) -> None:
    saved(shopper.user)
    method = saved(shopper.user)
    seen = queries.version(shopper.user)
    acts = {"saved": lambda: saved(shopper.user), "default": method.make_default}
    acts.get(change, method.remove)()
    assert queries.version(shopper.user) != seen


# --- Whose they are


@pytest.mark.parametrize("headers", [{}, IN_PLACE], ids=["plain", "htmx"])
def test_those_of_others_are_not_found(
    shopper: Shopper, make_shopper: MakeShopper, headers: dict[str, str]
) -> None:
    method = saved(make_shopper().user)
    client = shopper.client
    for name in ("method", "method_removal"):
        assert client.get(path(name, method), headers=headers).status_code == 404
    for name in ("method_default", "method_removal", "method_step"):
        assert client.post(path(name, method), headers=headers).status_code == 404
    assert only().state == State.ACTIVE
