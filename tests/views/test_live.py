"""News without asking for them: heartbeat, refreshers, and the end of a session."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from payments_ui.core import queries
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import JournalEntry, Payment
from payments_ui.testing.failpoints import at, call
from payments_ui.testing.psp import SandboxPSP, Status
from tests.fakes import CARDS, finish
from tests.shopping import IN_PLACE, Shopper, attempt_of, dom, report, step, stored, url


def heartbeat(shopper: Shopper, seen: str) -> Any:
    return shopper.get(url("heartbeat"), v=seen, w="pui-1")


def test_nothing_new_is_an_empty_204_and_one_query(
    js_shopper: Shopper, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    js_shopper.owe("5.00")
    seen = queries.version(js_shopper.user)
    # One is Django's: the user; the session is in a cache here.
    with django_assert_max_num_queries(2):
        response = heartbeat(js_shopper, seen)
    assert (response.status_code, response.content) == (204, b"")
    assert "HX-Trigger" not in response


def test_something_new_refreshes_every_widget_once(js_shopper: Shopper) -> None:
    seen = queries.version(js_shopper.user)
    js_shopper.owe("5.00")
    response = heartbeat(js_shopper, seen)
    assert response["HX-Trigger"] == "payments:changed"
    beat = dom(response).one(id="pui-heartbeat")
    assert js_shopper.client.get(beat.attrs["hx-get"], headers=IN_PLACE).status_code == 204


def test_a_session_that_ended_is_told_once_and_stops_asking(db: None) -> None:
    response = Client().get(url("heartbeat"), {"v": "1.1", "w": "pui-1"}, headers=IN_PLACE)
    assert response.status_code == 200
    shown = dom(response)
    assert "hx-get" not in shown.one(id="pui-heartbeat").attrs
    assert "signed out" in shown.one(id="pui-1-live").text


@pytest.mark.parametrize("path", ["charges", "payments", "payment"])
def test_a_refresher_without_a_session_is_answered_nothing(shopper: Shopper, path: str) -> None:
    payment = shopper.begin("5.00") if path == "payment" else None
    response = Client().get(url(path, payment), {"news": "1"}, headers=IN_PLACE)
    assert (response.status_code, response.content) == (204, b"")


def test_an_action_without_a_session_offers_to_sign_in(shopper: Shopper, psp: SandboxPSP) -> None:
    payment = shopper.begin("5.00")
    headers = {**IN_PLACE, "HX-Current-URL": "http://testserver/account/?a=1"}
    response = Client().post(
        url("moocher", payment, "cards"), {**shopper.form(payment), "w": "pui-1"}, headers=headers
    )
    assert step(response) == "signed_out"
    assert response["HX-Retarget"] == "#pui-1-body"
    link = dom(response).one("a")
    assert link.attrs["href"] == "/login/?next=/account/%3Fa%3D1"
    assert not psp.calls


@pytest.mark.parametrize(
    "page", ["https://elsewhere.example/", "http://testserver//elsewhere.example", ""]
)
def test_signing_in_never_leads_elsewhere(db: None, page: str) -> None:
    headers = {**IN_PLACE, "HX-Current-URL": page}
    shown = dom(Client().get(url("charges"), headers=headers))
    assert shown.one("a").attrs["href"] == "/login/?next=/charges/"


def test_without_javascript_the_login_page_follows(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    response = Client().get(url("payment", payment), {"moocher": "cards"})
    assert response["Location"] == f"/login/?next={url('payment', payment)}%3Fmoocher%3Dcards"


def test_after_signing_in_nothing_is_posted_to_a_page_that_cannot_be_got(
    shopper: Shopper,
) -> None:
    payment = shopper.begin("5.00")
    referer = f"http://testserver{url('payment', payment)}"
    response = Client().post(url("cancellation", payment), headers={"Referer": referer})
    assert response["Location"] == f"/login/?next={url('payment', payment)}"
    response = Client().post(url("cancellation", payment))
    assert response["Location"] == f"/login/?next={url('charges')}"


def refresher(shopper: Shopper, payment: Payment) -> str:
    shown = dom(shopper.get(url("payment", payment), w="pui-1"))
    found: str = shown.one(id="pui-1-refresher").attrs["hx-get"]
    return found


def test_the_payment_step_hears_nothing_while_nothing_happens(js_shopper: Shopper) -> None:
    path = refresher(js_shopper, js_shopper.begin("5.00"))
    response = js_shopper.get(path)
    assert (response.status_code, response.content) == (204, b"")


def test_the_payment_step_hears_of_new_charges_beside_its_form(js_shopper: Shopper) -> None:
    payment = js_shopper.begin("5.00")
    path = refresher(js_shopper, payment)
    js_shopper.owe("1.00")
    response = js_shopper.get(path)
    shown = dom(response)
    assert "HX-Retarget" not in response
    assert len(shown.with_attr("data-pui-news")) == 1
    assert shown.form(url("lineitems", payment))
    assert js_shopper.get(shown.one(id="pui-1-refresher").attrs["hx-get"]).status_code == 204


def test_a_payment_paid_elsewhere_replaces_the_whole_body_without_taking_the_focus(
    js_shopper: Shopper,
) -> None:
    payment = js_shopper.begin("5.00")
    path = refresher(js_shopper, payment)
    js_shopper.pay(payment)
    response = js_shopper.get(path)
    assert step(response) == "charged"
    assert response["HX-Retarget"] == "#pui-1-body"
    assert response["HX-Reswap"] == "outerHTML"
    assert dom(response).with_attr("autofocus") == []
    assert dom(response).one(id="pui-1-live").text.startswith("Paid: CHF")


def test_a_decline_that_comes_later_is_told_in_place(
    js_shopper: Shopper, psp: SandboxPSP, settings: Settings
) -> None:
    psp.plan.add("processing")
    payment = js_shopper.begin("5.00")
    js_shopper.pay(payment)
    path = refresher(js_shopper, payment)
    finish(psp, attempt_of(payment), Status.DECLINED)
    report(Client(), attempt_of(payment))
    response = js_shopper.get(path)
    assert step(response) == "payment"
    shown = dom(response)
    assert "There is not enough money" in shown.one(id="pui-1-error").text
    assert "There is not enough money" in shown.one(id="pui-1-live").text
    assert shown.with_attr("autofocus") == []
    assert shown.form(url("moocher", payment, "cards"))


def test_an_attempt_called_off_elsewhere_shows_the_ways_to_pay(
    js_shopper: Shopper, psp: SandboxPSP, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS]}
    psp.plan.add("3ds")
    payment = js_shopper.begin("5.00")
    js_shopper.pay(payment)
    path = refresher(js_shopper, payment)
    js_shopper.post(url("attempt_cancellation", payment))
    response = js_shopper.get(path)
    assert dom(response).form(url("moocher", payment, "cards"))
    assert dom(response).one(id="pui-1-live").text == "Review and pay"


def test_a_payment_given_up_elsewhere_replaces_the_whole_body(js_shopper: Shopper) -> None:
    payment = js_shopper.begin("5.00")
    path = refresher(js_shopper, payment)
    js_shopper.post(url("cancellation", payment))
    response = js_shopper.get(path)
    assert step(response) == "charges"
    assert response["HX-Retarget"] == "#pui-1-body"
    assert dom(response).with_attr("autofocus") == []


def test_looking_asks_the_psp_at_most_every_three_seconds(
    any_shopper: Shopper, psp: SandboxPSP, monkeypatch: pytest.MonkeyPatch
) -> None:
    psp.plan.add("processing")
    payment = any_shopper.begin("5.00")
    any_shopper.pay(payment)
    for _tab in range(5):
        any_shopper.get(url("payment", payment))
    assert psp.calls["fetch"] == 1
    later = timezone.now() + dt.timedelta(seconds=4)
    monkeypatch.setattr("payments_ui.flows.return_from_psp.timezone.now", lambda: later)
    finish(psp, attempt_of(payment))
    assert step(any_shopper.get(url("payment", payment))) == "charged"
    assert stored(payment).state == "charged"


def test_the_longer_it_waits_the_less_often_it_looks(
    js_shopper: Shopper, psp: SandboxPSP, monkeypatch: pytest.MonkeyPatch
) -> None:
    psp.plan.add("3ds")
    payment = js_shopper.begin("5.00")
    js_shopper.pay(payment)
    finish(psp, attempt_of(payment), Status.PROCESSING)
    start, triggers = timezone.now(), []
    js_shopper.get(url("payment", payment))
    journalled = JournalEntry.objects.count()
    for seconds in (4, 20, 40, 200, 700):
        now = start + dt.timedelta(seconds=seconds)
        monkeypatch.setattr("django.utils.timezone.now", lambda now=now: now)
        shown = dom(js_shopper.get(url("payment", payment), w="pui-1"))
        triggers.append(shown.one(id="pui-1-refresher").attrs["hx-trigger"].partition(",")[0])
    assert triggers[:4] == ["every 3s", "every 3s", "every 10s", "every 30s"]
    assert "every" not in triggers[4]
    assert psp.calls["fetch"] == 6
    assert JournalEntry.objects.count() == journalled


def test_nobody_asks_while_the_charge_itself_is_on_its_way(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    payment = shopper.begin("5.00")
    with at(Point.CHARGE_AFTER_PSP, call(lambda: shopper.get(url("payment", payment)))):
        shopper.pay(payment)
    assert psp.calls == {"create": 1}


def test_the_list_is_refreshed_without_taking_the_focus(js_shopper: Shopper) -> None:
    js_shopper.owe("5.00")
    shown = dom(js_shopper.get(url("charges"), w="pui-1"))
    assert len(shown.with_attr("autofocus")) == 1
    again = dom(js_shopper.get(shown.one(id="pui-1-refresher").attrs["hx-get"]))
    assert again.with_attr("autofocus") == []
