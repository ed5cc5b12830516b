from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.core import mail
from django.forms import Field
from django.test import Client
from django.utils import timezone
from mooch.signals import post_charge
from pytest_django import Settings

from payments_ui.core.attempts.outcomes import ActionRequired, DeclineCode, Declined, Outcome
from payments_ui.core.models import Attempt, Payment
from payments_ui.flows.tokens import FormToken
from payments_ui.testing.psp import SandboxPSP
from tests.fakes import BROKEN, CARDS, SCRIPTED, cards, charge, taken
from tests.shopping import IN_PLACE, Shopper, attempt_of, dom, step, stored, url


def text(response: Any) -> str:
    return dom(response).text


def refused(shopper: Shopper, response: Any, status: int = 409) -> bool:
    return bool(response.status_code == (200 if shopper.js else status))


def test_paying_charges_once_and_shows_the_receipt(any_shopper: Shopper, psp: SandboxPSP) -> None:
    payment = any_shopper.begin("5.00")
    response = any_shopper.pay(payment)
    assert stored(payment).state == "charged"
    assert taken(psp) == Decimal(5)
    if any_shopper.js:
        assert step(response) == "charged"
        assert response["HX-Trigger"] == "payments:changed"
    else:
        assert (response.status_code, response["Location"]) == (303, url("payment", payment))
        assert step(any_shopper.get(response["Location"])) == "charged"


def test_post_charge_is_sent_once_by_the_moocher(
    shopper: Shopper, django_capture_on_commit_callbacks: Any
) -> None:
    payment = shopper.begin("5.00")
    heard: list[object] = []
    with (
        mock.patch.object(post_charge, "receivers", []),
        django_capture_on_commit_callbacks(execute=True),
    ):
        post_charge.connect(lambda sender, **facts: heard.append(sender), weak=False)
        shopper.pay(payment)
        shopper.get(url("payment", payment))
    assert heard == [cards]


def test_posting_the_same_form_again_asks_once(any_shopper: Shopper, psp: SandboxPSP) -> None:
    payment = any_shopper.begin("5.00")
    data = any_shopper.form(payment)
    path = url("moocher", payment, "cards")
    first, second = any_shopper.post(path, data), any_shopper.post(path, data)
    assert psp.calls == {"create": 1}
    assert first.status_code == second.status_code
    if any_shopper.js:
        assert step(second) == "charged"


def test_the_same_form_is_known_even_when_it_has_expired(
    shopper: Shopper, psp: SandboxPSP, settings: Settings
) -> None:
    payment = shopper.begin("5.00")
    data = shopper.form(payment)
    shopper.post(url("moocher", payment, "cards"), data)
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS], "FORM_MAX_AGE": -1}
    response = shopper.post(url("moocher", payment, "cards"), data)
    assert response.status_code == 303
    assert psp.calls == {"create": 1}


def test_another_tab_of_a_paid_payment_is_told_so(any_shopper: Shopper, psp: SandboxPSP) -> None:
    payment = any_shopper.begin("5.00")
    tabs = any_shopper.form(payment), any_shopper.form(payment)
    any_shopper.post(url("moocher", payment, "cards"), tabs[0])
    response = any_shopper.post(url("moocher", payment, "cards"), tabs[1])
    assert refused(any_shopper, response)
    assert "already paid" in text(response)
    assert step(response) == "charged"
    assert psp.calls == {"create": 1}


@pytest.mark.parametrize("changes", [{"name": ""}, {"pui-amount": "1"}, {"pui-token": ""}])
def test_a_paid_payment_is_never_said_to_be_uncharged(
    any_shopper: Shopper, changes: dict[str, str]
) -> None:
    payment = any_shopper.begin("5.00")
    stale = any_shopper.form(payment)
    any_shopper.pay(payment)
    response = any_shopper.post(url("moocher", payment, "cards"), {**stale, **changes})
    assert "already paid" in text(response)
    assert "Nothing was charged" not in text(response)


def test_an_expired_form_is_shown_again(
    any_shopper: Shopper, psp: SandboxPSP, settings: Settings
) -> None:
    payment = any_shopper.begin("5.00")
    data = any_shopper.form(payment)
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS], "FORM_MAX_AGE": -1}
    response = any_shopper.post(url("moocher", payment, "cards"), data)
    assert refused(any_shopper, response)
    assert "expired" in text(response)
    assert dom(response).form(url("moocher", payment, "cards"))
    assert not psp.calls


@pytest.mark.parametrize(
    "amount",
    [
        *("", "1.00", "5.01", "-5", "NaN", "sNaN", "Infinity", "1e999999"),
        *("0_5.00", "\u0665", "\uff15.00", "5.0\u0966"),
    ],
)
def test_an_amount_the_customer_did_not_see_is_not_charged(
    any_shopper: Shopper, psp: SandboxPSP, amount: str
) -> None:
    payment = any_shopper.begin("5.00")
    response = any_shopper.pay(payment, **{"pui-amount": amount})
    assert refused(any_shopper, response)
    assert "total has changed" in text(response)
    assert not psp.calls


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "é:ü:ö", "\x00"])
def test_a_token_that_is_none_pays_nothing(shopper: Shopper, psp: SandboxPSP, token: str) -> None:
    payment = shopper.begin("5.00")
    response = shopper.pay(payment, **{"pui-token": token})
    assert response.status_code == 409
    assert "expired" in text(response)
    assert not psp.calls


def test_the_token_of_another_payment_pays_nothing(shopper: Shopper, psp: SandboxPSP) -> None:
    first = shopper.begin("5.00")
    token = FormToken.fields(first)["pui-token"]
    shopper.post(url("cancellation", first))
    second = shopper.begin()
    response = shopper.pay(second, **{"pui-token": token})
    assert response.status_code == 409
    assert not psp.calls


@pytest.mark.parametrize(
    ("amount", "currency", "sentence"),
    [("5.00", "EUR", "Not available for EUR"), ("1.00", "CHF", "Available from")],
)
def test_a_way_to_pay_that_cannot_take_it_says_why(
    any_shopper: Shopper, psp: SandboxPSP, amount: str, currency: str, sentence: str
) -> None:
    payment = any_shopper.begin(amount, currency=currency)
    shown = dom(any_shopper.get(url("payment", payment), moocher="francs"))
    assert sentence in shown.text
    assert not shown.all("form", action=url("moocher", payment, "francs"))
    data = FormToken.fields(payment)
    response = any_shopper.post(url("moocher", payment, "francs"), data, name="Ada")
    assert refused(any_shopper, response)
    assert sentence in text(response)
    assert not psp.calls


def test_an_unknown_way_to_pay_is_not_found_or_quietly_refused(any_shopper: Shopper) -> None:
    payment = any_shopper.begin("5.00")
    for response in (
        any_shopper.get(url("payment", payment), moocher="cash"),
        any_shopper.get(url("moocher", payment, "cash")),
        any_shopper.post(url("moocher", payment, "cash")),
    ):
        assert response.status_code == (200 if any_shopper.js else 404)
        if any_shopper.js:
            assert "not available" in text(response)
            assert response["HX-Retarget"] == "#pui-0-body"


def test_too_many_attempts_are_stopped_and_nothing_is_asked(
    any_shopper: Shopper, psp: SandboxPSP, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS], "ATTEMPTS_PER_HOUR": 2}
    psp.plan.add("insufficient_funds", times=2)
    payment = any_shopper.begin("5.00")
    any_shopper.pay(payment)
    any_shopper.pay(payment)
    response = any_shopper.pay(payment, name="")
    assert refused(any_shopper, response, 429)
    assert "too many attempts" in text(response)
    assert psp.calls == {"create": 2}


def test_attempts_of_an_hour_ago_are_forgiven(
    shopper: Shopper, psp: SandboxPSP, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [CARDS], "ATTEMPTS_PER_HOUR": 1}
    psp.plan.add("insufficient_funds")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    later = timezone.now() + dt.timedelta(minutes=61)
    with mock.patch("payments_ui.flows.posted.timezone.now", return_value=later):
        shopper.pay(payment)
    assert stored(payment).state == "charged"


def test_form_errors_are_shown_in_the_form_and_nothing_is_asked(
    any_shopper: Shopper, psp: SandboxPSP
) -> None:
    payment = any_shopper.begin("5.00")
    response = any_shopper.pay(payment, name="", note="keep me")
    assert refused(any_shopper, response, 422)
    assert str(Field.default_error_messages["required"]) in text(response)
    assert dom(response).one("input", name="note").attrs["value"] == "keep me"
    assert not psp.calls
    again = dom(response).form(url("moocher", payment, "cards")).fields()
    any_shopper.post(url("moocher", payment, "cards"), {**again, "name": "Ada"})
    assert stored(payment).state == "charged"


def test_a_decline_says_why_and_that_nothing_was_charged(
    any_shopper: Shopper, psp: SandboxPSP
) -> None:
    psp.plan.add("insufficient_funds")
    payment = any_shopper.begin("5.00")
    response = any_shopper.pay(payment)
    reference = attempt_of(payment).reference
    assert response.status_code == (200 if any_shopper.js else 402)
    assert "Nothing was charged. There is not enough money" in text(response)
    assert reference in text(response)
    again = dom(response).form(url("moocher", payment, "cards")).fields()
    any_shopper.post(url("moocher", payment, "cards"), {**again, "name": "Ada"})
    assert stored(payment).state == "charged"


def test_a_failure_that_is_not_the_latest_news_is_not_shown(
    shopper: Shopper, psp: SandboxPSP
) -> None:
    psp.plan.add("insufficient_funds")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    failed = f"{url('payment', payment)}?failed={attempt_of(payment).reference}"
    assert "Nothing was charged" in text(shopper.get(failed))
    assert "Nothing was charged" not in text(shopper.get(url("payment", payment), failed="F00"))
    shopper.pay(payment)
    shown = shopper.get(failed)
    assert step(shown) == "charged"
    assert "Nothing was charged" not in text(shown)


def test_a_decline_by_a_moocher_that_is_no_longer_listed_is_still_told(
    shopper: Shopper, psp: SandboxPSP, settings: Settings
) -> None:
    psp.plan.add("insufficient_funds")
    payment = shopper.begin("5.00")
    shopper.pay(payment)
    settings.PAYMENTS_UI = {}
    failed = shopper.get(url("payment", payment), failed=attempt_of(payment).reference)
    assert "Nothing was charged" in text(failed)


def test_never_sent_is_a_definite_no(shopper: Shopper, psp: SandboxPSP) -> None:
    cards.outcomes.append(Declined(code=DeclineCode.NEVER_HAPPENED))
    payment = shopper.begin("5.00")
    response = shopper.pay(payment)
    assert "did not reach the payment service" in text(response)


def test_a_step_at_the_psp_leaves_the_page_and_can_be_found_again(
    any_shopper: Shopper, psp: SandboxPSP
) -> None:
    psp.plan.add("3ds")
    payment = any_shopper.begin("5.00")
    response = any_shopper.pay(payment)
    if any_shopper.js:
        assert response.status_code == 204
        assert response["HX-Redirect"] == attempt_of(payment).action_url
    else:
        assert response["Location"] == url("payment", payment)
    shown = any_shopper.get(url("payment", payment))
    assert step(shown) == "requires_action"
    assert dom(shown).one("a", href=attempt_of(payment).action_url)


@pytest.mark.parametrize("fault", ["lost_reply", "lost_request", "garbled", "overlong"])
def test_an_unknown_outcome_loses_nothing_and_is_settled_by_asking(
    any_shopper: Shopper,
    psp: SandboxPSP,
    fault: str,
    django_capture_on_commit_callbacks: Any,
) -> None:
    if fault == "overlong":
        cards.outcomes.append(_charge_and_name_a_long_page)
    else:
        psp.plan.add(fault)
    payment = any_shopper.begin("5.00")
    with (
        mock.patch.object(Attempt, "write", _refuse_long_urls),
        django_capture_on_commit_callbacks(execute=True),
    ):
        response = any_shopper.pay(payment)
    psp.plan.outage(3600)
    if not any_shopper.js:
        response = any_shopper.get(url("payment", payment))
    assert step(response) == "unknown"
    assert "Nothing was lost" in text(response)
    assert [m.subject for m in mail.outbox] == ["[Django] The outcome of an attempt is unknown"]
    psp.plan.clear()
    later = timezone.now() + dt.timedelta(minutes=2)
    with mock.patch("django.utils.timezone.now", return_value=later):
        any_shopper.get(url("payment", payment))
    state = "failed" if fault == "lost_request" else "settled"
    assert attempt_of(payment).state == state
    assert taken(psp) == (0 if fault == "lost_request" else 5)


def _charge_and_name_a_long_page(attempt: Attempt) -> Outcome:
    charge(attempt)
    return ActionRequired(url="https://psp.example/" + "x" * 2000)


_write = Attempt.write


def _refuse_long_urls(attempt: Attempt, changes: dict[str, Any]) -> dict[str, Any]:
    # As PostgreSQL does; SQLite would take it.
    if len(changes.get("action_url", "")) > 1000:
        raise ValueError("too long")
    return _write(attempt, changes)


def test_an_open_attempt_blocks_every_other(any_shopper: Shopper, psp: SandboxPSP) -> None:
    psp.plan.add("lost_reply")
    payment = any_shopper.begin("5.00")
    other_tab = any_shopper.form(payment)
    any_shopper.pay(payment)
    response = any_shopper.post(url("moocher", payment, "cards"), other_tab)
    assert refused(any_shopper, response)
    assert "You will not be charged twice" in text(response)
    assert psp.calls["create"] == 1


def test_a_broken_form_leaves_the_other_ways_to_pay(
    any_shopper: Shopper, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [BROKEN, CARDS]}
    payment = any_shopper.begin("5.00")
    shown = any_shopper.get(url("payment", payment), moocher="broken")
    assert "is not available at the moment" in text(shown)
    assert dom(shown).one("input", type="radio", value="cards")
    data = FormToken.fields(payment)
    response = any_shopper.post(url("moocher", payment, "broken"), data)
    assert refused(any_shopper, response)
    assert "is not available at the moment" in text(response)


def test_a_form_with_scripts_opens_on_a_page_of_its_own(
    any_shopper: Shopper, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": [SCRIPTED, CARDS]}
    payment = any_shopper.begin("5.00")
    shown = dom(any_shopper.get(url("payment", payment), moocher="scripted"))
    path = url("moocher", payment, "scripted")
    assert bool(shown.all("script", src="/its.js")) is not any_shopper.js
    assert bool(shown.all("a", href=path)) is any_shopper.js
    page = dom(any_shopper.client.get(path))
    assert page.one("script", src="/its.js")
    assert page.form(path)


def test_picking_a_way_to_pay_answers_its_panel_alone(js_shopper: Shopper) -> None:
    payment = js_shopper.begin("5.00")
    shown = dom(js_shopper.get(url("payment", payment), moocher="cards"))
    assert len(shown.with_attr("data-pui-panel")) == 1
    assert not shown.with_attr("data-pui-body")


def test_picking_a_way_to_pay_of_a_paid_payment_shows_the_receipt(
    any_shopper: Shopper,
) -> None:
    payment = any_shopper.begin("5.00")
    any_shopper.pay(payment)
    shown = any_shopper.get(url("moocher", payment, "cards"))
    if any_shopper.js:
        assert step(shown) == "charged"
        assert shown["HX-Retarget"] == "#pui-0-body"
    else:
        assert shown["Location"] == url("payment", payment)


def test_without_javascript_each_way_to_pay_has_a_page(shopper: Shopper) -> None:
    payment = shopper.begin("5.00")
    page = dom(shopper.get(url("moocher", payment, "cards")))
    assert page.form(url("moocher", payment, "cards"))
    assert "Pay CHF" in page.form(url("moocher", payment, "cards")).text


@pytest.mark.parametrize("extra", [{"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}])
def test_boosted_links_and_history_get_whole_pages(shopper: Shopper, extra: dict[str, str]) -> None:
    payment = shopper.begin("5.00")
    for path in (url("charges"), url("payments"), url("payment", payment)):
        response = shopper.client.get(path, headers={**IN_PLACE, **extra})
        assert dom(response).one("html")


def test_a_fragment_speaks_to_the_widget_that_asked(js_shopper: Shopper) -> None:
    payment = js_shopper.begin("5.00")
    data = {**js_shopper.form(payment), "w": "pui-sidebar", "w-live": "1", "name": ""}
    shown = dom(js_shopper.post(url("moocher", payment, "cards"), data))
    assert shown.one(data_pui_step="payment").attrs["id"] == "pui-sidebar-body"
    assert shown.one(id="pui-sidebar-live").attrs["hx-swap-oob"] == "innerHTML"
    assert shown.one(id="pui-heartbeat").attrs["hx-swap-oob"] == "true"


def test_csrf_is_enforced_where_money_moves(shopper: Shopper, psp: SandboxPSP) -> None:
    payment = shopper.begin("5.00")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(shopper.user)
    page = dom(browser.get(url("moocher", payment, "cards")))
    data = {**page.form(url("moocher", payment, "cards")).fields(), "name": "Ada"}
    token = data.pop("csrfmiddlewaretoken")
    path = url("moocher", payment, "cards")
    assert browser.post(path, data).status_code == 403
    assert not psp.calls
    assert browser.post(path, {**data, "csrfmiddlewaretoken": token}).status_code == 303
    assert Payment.objects.get().state == "charged"
