"""What every widget's markup keeps, in each of its steps: the law of the front end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest

from payments_ui.components.payment_methods import PaymentMethods
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.widget import Widget
from payments_ui.core.models import Payment
from payments_ui.moochers.form_adoption import adopt
from tests.core.support import charged
from tests.dom import Node, parse
from tests.saving import saved, saving

from .conftest import Owe, RenderTag, RequestOf

ALL = (
    "{% pending_charges selectable=True live=True limit=1 %}{% pay_button %}{% charges_badge %}"
    "{% payment_history live=True %}{% payment_methods live=True %}"
)
SHIELD_PAIRS = (
    *("confirm", "select", "select-oob", "include", "indicator", "encoding", "vals", "headers"),
    *("push-url", "replace-url", "boost", "sync"),
)


SAVED = ("methods", "adding", "saving", "removal")


def saved_step(kind: str, user: User, request: HttpRequest) -> Node:
    """Return the body of the saved payment methods in one of its steps."""
    saved(user)
    method = saved(user, last_four="1881")
    widget = Widget(component="payment-methods")
    options: dict[str, Any] = {}
    if kind == "adding":
        html = saving.setup_form(request, "/methods/moochers/saving/")
        options = {"moocher": saving, "form_html": adopt(html, request, widget.data)}
    if kind in ("saving", "removal"):
        options = {"method": method, "removes": kind == "removal"}
    return parse(PaymentMethods(request, widget, focus=True, **options).render_body())


@pytest.fixture(params=["charges", "select", "payment", "processing", "charged", *SAVED])
def document(
    request: pytest.FixtureRequest,
    user: User,
    owe: Owe,
    pending: Callable[..., Payment],
    page: RenderTag,
    request_of: RequestOf,
) -> Node:
    """Return a body in one of its steps."""
    kind: str = request.param
    if kind in SAVED:
        body = saved_step(kind, user, request_of(user))
        assert body.with_attr("data-pui-body")[0].attrs["data-pui-step"] == kind
        return body
    payment = None
    if kind == "charged":
        payment = charged(user, "12")
    if kind in ("payment", "processing"):
        payment = pending("12")
        if kind == "processing":
            payment.start_attempt(moocher="cards")
    owe("1", "2")
    component = PendingCharges(
        request_of(user), Widget(), payment=payment, select=kind == "select", focus=True
    )
    body = parse(component.render_body())
    assert body.with_attr("data-pui-body")[0].attrs["data-pui-step"] == kind
    return body


def test_all_ids_of_a_page_are_unique(owe: Owe, page: RenderTag) -> None:
    owe("1", "2")
    ids = [node.attrs["id"] for node in page(ALL * 2).with_attr("id")]
    assert len(ids) == len(set(ids))


def test_landmarks_of_a_page_have_names_of_their_own(owe: Owe, page: RenderTag) -> None:
    owe("1")
    tags = "{% pending_charges %}{% pending_charges %}{% pay_button %}{% payment_history %}"
    shown = page("{% charges_badge %}" + tags)
    assert ["role" in root.attrs for root in shown.all("section")] == [False, True, False, False]


def test_roots_carry_the_whole_shield_and_send_nothing(owe: Owe, page: RenderTag) -> None:
    owe("1")
    roots = page(ALL).with_attr("data-pui")
    assert len(roots) == 5
    for root in roots:
        assert root.attrs["hx-disinherit"] == "*"
        assert root.attrs["hx-history"] == "false"
        assert root.attrs["hx-disable:inherited"] == ""
        assert "hx-disable" not in root.attrs
        for name in SHIELD_PAIRS:
            assert root.attrs[f"hx-{name}"] == root.attrs[f"hx-{name}:inherited"]
        for status in ("4xx", "5xx"):
            assert root.attrs[f"hx-status:{status}:inherited"] == "swap:none"
        assert not {"hx-get", "hx-post", "hx-trigger"} & set(root.attrs)


def test_roots_have_one_body_and_one_live_region(owe: Owe, page: RenderTag) -> None:
    owe("1")
    for root in page(ALL).with_attr("data-pui"):
        assert len(root.with_attr("data-pui-body")) == 1
        assert len(root.with_attr("data-pui-live")) == 1
        assert root.with_attr("data-pui-live")[0].children == []


def test_every_requesting_element_has_target_swap_and_sync_of_its_own(document: Node) -> None:
    asking = document.with_attr("hx-get") + document.with_attr("hx-post")
    assert asking
    for node in asking:
        assert {"hx-target", "hx-swap", "hx-sync"} <= set(node.attrs)


def test_forms_and_refreshers_share_one_queue(document: Node) -> None:
    for node in document.with_attr("hx-post"):
        assert node.attrs["hx-sync"] == "closest [data-pui]:drop"
    for node in document.with_attr("data-pui-bg"):
        assert node.attrs["hx-sync"] == "closest [data-pui]:abort"


def test_no_element_that_gets_holds_a_form_or_field(document: Node) -> None:
    for node in document.with_attr("hx-get"):
        if node.tag != "form":
            assert node.all("form") + node.all("input") == []


def test_everything_works_without_javascript(document: Node) -> None:
    for form in document.all("form"):
        assert form.attrs["action"]
        assert form.attrs["method"] in ("get", "post")
        posts = form.attrs["method"] == "post"
        assert ("csrfmiddlewaretoken" in form.fields()) == posts
        assert form.all("button", type="submit")
    for link in document.with_attr("hx-get"):
        assert link.tag in ("a", "form") or "data-pui-bg" in link.attrs
        assert link.tag != "a" or link.attrs["href"]


def test_forms_say_which_widget_they_are_of(document: Node) -> None:
    for form in document.all("form"):
        assert form.fields()["w"] == "pui-0"


def test_events_are_heard_on_the_document_or_the_window(document: Node, page: RenderTag) -> None:
    asking = document.with_attr("hx-trigger") + page(ALL).with_attr("data-pui-heartbeat")
    for node in asking:
        for trigger in node.attrs["hx-trigger"].split(", "):
            # The script says the last one to the refresher itself.
            own = trigger.startswith("every ")
            own = own or trigger in ("change", "submit", "payments:again")
            assert own or trigger.endswith((" from:document", " from:window"))
            assert "[" not in trigger


def test_one_thing_takes_the_focus_and_can(document: Node) -> None:
    (heading,) = document.with_attr("autofocus")
    assert heading.tag == "h3"
    assert heading.attrs["tabindex"] == "-1"


def test_there_is_at_most_one_primary_button(document: Node) -> None:
    primary = [n for n in document if "pui-button" in n.attrs.get("class", "").split()]
    assert len(primary) <= 1


def test_nothing_needs_an_inline_script_or_style(document: Node, page: RenderTag) -> None:
    for node in [*document, *page(ALL)]:
        assert node.tag not in ("script", "style")
        assert "style" not in node.attrs
        assert not [name for name in node.attrs if name.startswith("on")]


def test_labels_and_descriptions_lead_somewhere(document: Node, page: RenderTag) -> None:
    for root in (document, page(ALL)):
        ids = {node.attrs["id"] for node in root.with_attr("id")}
        for name in ("aria-labelledby", "aria-describedby", "for"):
            for node in root.with_attr(name):
                assert set(node.attrs[name].split()) <= ids


def test_headings_begin_where_the_host_says(owe: Owe, page: RenderTag) -> None:
    owe("1")
    shown = page("{% pending_charges heading=4 %}")
    assert shown.one("h4").text == "Open items"
    assert len(shown.all("h5")) == 1


def test_amounts_stand_in_one_element(owe: Owe, page: RenderTag) -> None:
    owe("12")
    shown: Any = page("{% pending_charges %}")
    assert {node.text for node in shown.all("bdi", class_="pui-amount")} == {"CHF 12.00"}
