"""A payment in the widget: review, outcome, and what a refresher is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.reading import Reading
from payments_ui.components.steps.base import Situation
from payments_ui.components.steps.open_attempt import Processing
from payments_ui.components.steps.review import Review
from payments_ui.components.widget import Widget
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import AlreadyChargedError
from payments_ui.moochers.registry import moochers
from tests.core.support import charged
from tests.dom import Node, parse
from tests.fakes import BROKEN

from .conftest import Owe, RequestOf

Pending = Callable[..., Payment]
Step = Callable[..., PendingCharges]
Queries = Callable[..., Any]


@pytest.fixture
def step(user: User, request_of: RequestOf) -> Step:
    def make(payment: Payment, **options: Any) -> PendingCharges:
        payment = Payment.all_objects.get(pk=payment.pk)
        return PendingCharges(request_of(user), Widget(), payment=payment, **options)

    return make


@pytest.fixture
def opened(pending: Pending) -> Callable[..., Payment]:
    """Return a factory of payments with an open attempt, last heard of ``age`` seconds ago."""

    def make(state: str = "processing", age: int = 0, **fields: Any) -> Payment:
        payment = pending("12")
        attempt = payment.start_attempt(**{"moocher": "cards", **fields})
        heard = timezone.now() - dt.timedelta(seconds=age)
        rows: models.QuerySet[Attempt] = models.QuerySet(Attempt).filter(pk=attempt.pk)
        rows.update(state=state, updated_at=heard, action_url="https://psp.example/3ds")
        return payment

    return make


def html(component: PendingCharges) -> Node:
    return parse(component.render_body())


def refresher(node: Node) -> Node:
    (found,) = node.with_attr("data-pui-bg")
    return found


def test_the_review_names_payee_charges_and_amount(pending: Pending, step: Step) -> None:
    shown = html(step(pending("10", "2.50")))
    assert "Hillshade GmbH" in shown.text
    assert "Use 0" in shown.text
    assert shown.one("tfoot").one("td").text == "CHF 12.50"
    assert "open" in shown.one("details").attrs


def test_a_long_review_is_folded_and_paged(
    pending: Pending, step: Step, user: User, request_of: RequestOf
) -> None:
    payment = pending(*["1"] * 7)
    assert "open" not in html(step(payment)).one("details").attrs
    paged = PendingCharges(request_of(user), Widget(limit=6), payment=payment, page=2)
    shown = html(paged)
    assert "open" in shown.one("details").attrs
    assert len(shown.one("tbody").all("tr")) == 1


def test_ways_to_pay_are_radios_that_swap_the_panel_below(pending: Pending, step: Step) -> None:
    payment = pending("12")
    url = reverse("payments_ui:payment", args=[payment.pk])
    form = html(step(payment, moocher=moochers()["cards"])).form(f"{url}#pui-0-panel")
    assert form.attrs["method"] == "get"
    assert form.one("legend").text == "How would you like to pay?"
    radios = form.all("input", type="radio")
    assert [radio.attrs["value"] for radio in radios] == ["cards", "francs"]
    assert ["checked" in radio.attrs for radio in radios] == [True, False]
    assert form.one("pui-choose").one("button", type="submit").text == "Choose"


def test_a_way_that_cannot_take_the_payment_says_why(pending: Pending, step: Step) -> None:
    shown = html(step(pending("12", currency="EUR")))
    assert "disabled" in shown.one("input", value="francs").attrs
    assert "Not available for EUR." in shown.text
    panel = step(pending("1"), moocher=moochers()["francs"]).render_panel()
    assert "Available from CHF 2.00." in parse(panel).text


def test_a_site_without_a_way_to_pay_says_so(
    pending: Pending, step: Step, settings: Settings
) -> None:
    settings.PAYMENTS_UI = {"MOOCHERS": []}
    assert "No payment method is available at the moment." in html(step(pending("12"))).text


def test_the_panel_shows_the_moochers_form(pending: Pending, step: Step, user: User) -> None:
    payment = pending("12")
    moocher = moochers()["cards"]
    component = step(payment, moocher=moocher)
    component.choose(moocher, moocher.payment_form(component.request, payment))
    panel = parse(component.render_panel())
    assert len(panel.with_attr("data-pui-panel")) == 1
    assert panel.one("button").text == "Pay CHF 12.00"


def test_html_that_no_template_made_is_escaped(pending: Pending, step: Step) -> None:
    component = step(pending("12"), form_html="<b>not from a template</b>")
    assert parse(component.render_panel()).all("b") == []


def test_the_payment_can_be_given_up(pending: Pending, step: Step) -> None:
    payment = pending("12")
    url = reverse("payments_ui:cancellation", args=[payment.pk])
    assert html(step(payment)).form(url).one("button").text == "Cancel this payment"


def test_new_charges_can_be_taken_in(pending: Pending, owe: Owe, step: Step) -> None:
    payment = pending("12")
    url = reverse("payments_ui:lineitems", args=[payment.pk])
    assert html(step(payment)).all("form", action=url) == []
    owe("3")
    form = html(step(payment)).form(url)
    assert "You have 1 new item: CHF 3.00." in form.text


def test_the_refresher_of_a_review_never_touches_the_form(
    pending: Pending, owe: Owe, step: Step
) -> None:
    payment = pending("12")
    owe("3")
    asks = refresher(html(step(payment)))
    assert asks.attrs["hx-target"] == "closest [data-pui-news]"
    assert asks.children == []
    news = step(payment).refresh("payment")
    assert news is not None
    assert not news.whole
    assert len(parse(news.html).with_attr("data-pui-news")) == 1
    assert parse(news.html).with_attr("data-pui-panel") == []


def test_an_unchanged_step_has_no_news(pending: Pending, opened: Any, step: Step) -> None:
    payment = pending("12")
    assert step(payment).refresh(step(payment).step.seen) is None
    waiting = opened()
    assert step(waiting).refresh("processing:3") is None


def test_another_step_replaces_the_whole_body(user: User, step: Step) -> None:
    payment = charged(user, "12")
    news = step(payment).refresh("payment")
    assert news is not None
    assert news.whole
    assert parse(news.html).with_attr("data-pui-body")[0].attrs["data-pui-step"] == "charged"


def test_a_step_that_gets_no_news_is_shown_whole_again(user: User, step: Step) -> None:
    news = step(charged(user, "5.00")).refresh("charged:made up")
    assert news is not None
    assert news.whole
    assert parse(news.html).with_attr("data-pui-body")[0].attrs["data-pui-step"] == "charged"


def test_a_payment_of_zero_is_settled_without_a_psp(pending: Pending, owe: Owe, step: Step) -> None:
    shown = html(step(pending("5", "-5")))
    assert shown.all("fieldset") == []
    assert "Settle these items" in shown.text


def test_a_declined_attempt_is_said_first_with_the_focus(pending: Pending, step: Step) -> None:
    shown = html(step(pending("12"), error="Nothing was charged. Try again.", focus=True))
    assert "Nothing was charged. Try again." in shown.one(id="pui-0-error").text
    assert [node.attrs["id"] for node in shown.with_attr("autofocus")] == ["pui-0-error"]


def test_an_error_leads_to_people(pending: Pending, step: Step, settings: Settings) -> None:
    settings.PAYMENTS_UI |= {"HELP_URL": "/contact/"}
    shown = html(step(pending("12"), error="Nothing was charged."))
    assert shown.one(id="pui-0-error").one("a", href="/contact/").text == "Contact us"
    settings.PAYMENTS_UI |= {"HELP_URL": ""}
    assert "Contact us" not in html(step(pending("12"), error="Nothing was charged.")).text


def test_an_errors_detail_is_never_shown(pending: Pending, step: Step) -> None:
    shown = html(step(pending("12"), error=AlreadyChargedError("secret detail")))
    assert "This payment is already paid." in shown.text
    assert "secret detail" not in shown.text


def test_a_step_at_the_psp_is_a_plain_link(opened: Any, step: Step) -> None:
    payment = opened("requires_action")
    shown = html(step(payment))
    link = shown.one("a", href="https://psp.example/3ds")
    assert link.text == "Continue with Card"
    assert not [name for name in link.attrs if name.startswith("hx-")]
    assert len(shown.all("form")) == 2
    other = shown.form(reverse("payments_ui:attempt_cancellation", args=[payment.pk]))
    assert other.one("button").text == "Use another payment method"


@pytest.mark.parametrize("state", ["started", "processing"])
def test_processing_promises_no_more_than_is_known(state: str, opened: Any, step: Step) -> None:
    shown = html(step(opened(state)))
    assert "being processed" in shown.text
    assert shown.all("form") == []


def test_a_transfer_that_is_waited_for_can_be_called_off(opened: Any, step: Step) -> None:
    shown = html(step(opened("processing", manual=True)))
    assert "Waiting for your transfer" in shown.text
    assert len(shown.all("form")) == 2


def test_an_unknown_outcome_calms_and_offers_nothing_that_charges(opened: Any, step: Step) -> None:
    payment = opened("unknown")
    shown = html(step(payment))
    assert "you will not be charged twice" in shown.text
    assert payment.attempts.get().reference in shown.text
    assert shown.all("form") == []


@pytest.mark.parametrize(("age", "every"), [(0, 3), (20, 3), (31, 10), (170, 10), (181, 30)])
def test_polls_back_off(age: int, every: int, opened: Any, step: Step) -> None:
    component = step(opened(age=age))
    assert refresher(html(component)).attrs["hx-trigger"].startswith(f"every {every}s, ")
    assert component.step.seen == f"processing:{every}"


def test_polls_end_with_a_sentence(opened: Any, step: Step) -> None:
    shown = html(step(opened(age=601)))
    assert "every" not in refresher(shown).attrs["hx-trigger"]
    assert "no longer updates" in shown.text
    assert shown.all("pui-pause") == []


def test_a_slower_poll_replaces_the_refresher_only(opened: Any, step: Step) -> None:
    news = step(opened(age=31)).refresh("processing:3")
    assert news is not None
    assert not news.whole
    assert refresher(parse(news.html)).attrs["hx-trigger"].startswith("every 10s, ")


def test_polls_can_be_paused(opened: Any, step: Step) -> None:
    assert html(step(opened())).one("pui-pause").one("button").attrs["aria-pressed"] == "false"


def test_a_moocher_says_what_to_do(opened: Any, step: Step, monkeypatch: Any) -> None:
    monkeypatch.setattr(moochers()["cards"], "instructions", lambda *_: "Look into your app.")
    assert "Look into your app." in html(step(opened())).text


def test_what_a_bank_asks_for_is_heard_with_the_heading(
    opened: Any, step: Step, monkeypatch: Any
) -> None:
    monkeypatch.setattr(moochers()["cards"], "instructions", lambda *_: "Look into your app.")
    shown = html(step(opened("requires_action")))
    described = shown.one("h3").attrs["aria-describedby"].split()
    assert [shown.one(id=each).text for each in described][-1] == "Look into your app."


def test_a_moocher_that_fails_hides_nothing(
    opened: Any, step: Step, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> str:
        raise RuntimeError("broken")

    monkeypatch.setattr(moochers()["cards"], "instructions", fail)
    assert "being processed" in html(step(opened())).text
    assert "Instructions of cards failed" in caplog.text


def test_a_moocher_that_is_no_longer_listed_is_named_all_the_same(
    opened: Any, step: Step, settings: Settings
) -> None:
    payment = opened()
    settings.PAYMENTS_UI = {"MOOCHERS": [BROKEN]}
    assert "cards" in html(step(payment)).text


def test_a_charged_payment_shows_its_receipt(user: User, step: Step) -> None:
    payment = charged(user, "12")
    shown = html(step(payment))
    assert "Payment successful" in shown.text
    link = shown.one("a", href=reverse("payments_ui:receipt", args=[payment.pk]))
    assert link.text == "View receipt"
    assert shown.with_attr("data-pui-bg") == []


def test_a_long_receipt_points_to_the_whole_one(
    user: User, request_of: RequestOf, step: Step
) -> None:
    payment = charged(user, *["1"] * 3)
    short = PendingCharges(request_of(user), Widget(limit=2), payment=payment)
    assert "the receipt lists all of them" in html(short).text
    assert "the receipt lists all of them" not in html(step(payment)).text


@pytest.mark.parametrize("end", ["undo", "cancel"])
def test_a_payment_that_is_gone_leads_back_to_the_list(
    end: str, user: User, pending: Pending, step: Step
) -> None:
    if end == "undo":
        payment = charged(user, "12")
        payment.undo(force=True, reason="a mistake")
    else:
        payment = pending("12")
        attempt = payment.start_attempt(moocher="cards")
        models.QuerySet(Attempt).filter(pk=attempt.pk).update(state="failed")
        payment.refresh_from_db()
        payment.cancel_pending()
    shown = html(step(payment))
    assert "This payment was cancelled" in shown.text
    assert shown.one("a", href=reverse("payments_ui:charges")).text == "Back to your items"


@pytest.mark.parametrize("uses", [1, 60])
def test_the_review_takes_three_queries_whatever_its_length(
    uses: int, pending: Pending, owe: Owe, step: Step, django_assert_num_queries: Queries
) -> None:
    payment = pending(*["1"] * uses)
    owe("3")
    component = step(payment)
    with django_assert_num_queries(3):
        component.render_body()


def test_an_open_attempt_takes_one_query(
    opened: Any, step: Step, django_assert_num_queries: Queries
) -> None:
    component = step(opened())
    with django_assert_num_queries(1):
        component.render_body()


def test_steps_of_a_payment_refuse_to_be_shown_without_one(
    user: User, request_of: RequestOf, pending: Pending
) -> None:
    situation = Situation(request=request_of(user), widget=Widget(), reading=Reading(user))
    with pytest.raises(TypeError, match="payment"):
        Review(situation)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="attempt"):
        Processing(situation, pending("12"))  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="has no panel"):
        PendingCharges(request_of(user), Widget()).render_panel()
