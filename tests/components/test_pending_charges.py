"""The list: what is owed, and the ways on from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.selection import LineItemSelection
from payments_ui.components.widget import Widget
from payments_ui.core.attempts import outcomes
from payments_ui.core.models import LineItem, Payment
from tests.core.support import money_of
from tests.counting import reads
from tests.dom import Node, parse
from tests.fakes import TRANSFER

from .conftest import Owe, RenderTag, RequestOf

Pending = Callable[..., Payment]
Queries = Callable[..., Any]


@pytest.fixture
def body(user: User, request_of: RequestOf) -> Callable[..., Node]:
    def render(widget: Widget | None = None, **options: Any) -> Node:
        component = PendingCharges(request_of(user), widget or Widget(), **options)
        return parse(component.render_body())

    return render


def rows(node: Node) -> list[str]:
    return [
        row.text.replace(f"{row.one('span', class_='pui-use').text} ", "")
        for row in node.one("tbody").all("tr")
    ]


def uses(node: Node) -> list[str]:
    return [use.text for use in node.all("span", class_="pui-use")]


def test_charges_are_grouped_by_title_with_their_exact_sum(owe: Owe, page: RenderTag) -> None:
    owe("0.0004", "1.50", title="API calls")
    assert rows(page("{% pending_charges %}")) == [
        "API calls 2 times API calls Show each use API calls CHF 1.5004"
    ]


def test_a_use_shows_its_calculation_and_date(user: User, page: RenderTag) -> None:
    price: dict[str, Any] = {"title": "Render", "unit": "tiles", "unit_price": "0.0004"}
    for quantity, day in ((3264, 12), (1000, 14)):
        used_at = dt.datetime(2026, 5, day, tzinfo=dt.UTC)
        LineItem.objects.record(user=user, quantity=quantity, used_at=used_at, **price)
    shown = page("{% pending_charges %}")
    assert uses(shown) == ["4,264 tiles \xd7 CHF 0.0004, May 12, 2026 \u2013 May 14, 2026"]
    one, two = uses(page("{% pending_charges group=False %}"))
    assert one == "1,000 tiles \xd7 CHF 0.0004, May 14, 2026"
    assert two == "3,264 tiles \xd7 CHF 0.0004, May 12, 2026"
    options = LineItemSelection(user, "CHF", LineItem.objects.order_by("-pk"))
    labels = [label for _value, label in options.fields["lineitems"].choices]  # type: ignore[attr-defined]
    assert [uses(parse(label)) for label in labels] == [[one], [two]]


def test_charges_can_be_listed_one_by_one(owe: Owe, page: RenderTag) -> None:
    owe("1", "2", title="API calls")
    assert len(rows(page("{% pending_charges group=False %}"))) == 2


def test_the_total_is_what_a_payment_would_ask_for(owe: Owe, page: RenderTag) -> None:
    owe("10.004", "2.50")
    assert page("{% pending_charges %}").one("tfoot").one("td").text == "CHF 12.50"


def test_continuing_posts_the_currency_and_charges_nothing(owe: Owe, page: RenderTag) -> None:
    owe("12")
    form = page("{% pending_charges %}").form(reverse("payments_ui:payments"))
    assert form.attrs["method"] == "post"
    assert form.fields()["currency"] == "CHF"
    assert "csrfmiddlewaretoken" in form.fields()
    assert form.one("button").text == "Continue to payment"


def test_a_long_list_is_paged(owe: Owe, page: RenderTag, body: Callable[..., Node]) -> None:
    owe(*["1"] * 5)
    first = page("{% pending_charges limit=2 %}")
    assert len(rows(first)) == 2
    assert first.one("a", rel="next").attrs["href"].endswith("?page=2&currency=CHF")
    assert first.all("a", rel="prev") == []
    last = body(Widget(limit=2), page=3)
    assert len(rows(last)) == 1
    assert last.all("a", rel="next") == []
    assert last.one("a", rel="prev").attrs["href"].endswith("?page=2&currency=CHF")


def test_every_currency_has_its_total(owe: Owe, page: RenderTag) -> None:
    owe("12")
    owe("3", currency="EUR")
    shown = page("{% pending_charges %}")
    assert "Also open: €3.00" in shown.text
    assert rows(shown) == ["Use 0 CHF 12.00"]
    assert rows(page('{% pending_charges currency="EUR" %}')) == ["Use 0 €3.00"]
    assert "Also open" not in page('{% pending_charges currency="EUR" %}').text


def test_a_user_who_owes_nothing_is_told_so(page: RenderTag) -> None:
    shown = page("{% pending_charges %}")
    assert "Nothing to pay" in shown.text
    assert shown.all("form") == []


def test_a_credit_is_explained_and_not_paid(owe: Owe, page: RenderTag) -> None:
    owe("-5")
    shown = page("{% pending_charges %}")
    assert "Your credit: CHF 5.00" in shown.text
    assert shown.all("form") == []


def test_an_amount_that_rounds_to_nothing_waits_for_more(owe: Owe, page: RenderTag) -> None:
    owe("0.0004")
    shown = page("{% pending_charges %}")
    assert "too small to be paid" in shown.text
    assert shown.all("form") == []


def test_charges_that_add_up_to_nothing_are_settled(owe: Owe, page: RenderTag) -> None:
    owe("5", "-5")
    assert "Settle these items" in page("{% pending_charges %}").text


def test_a_pending_payment_can_be_resumed_or_given_up(pending: Pending, page: RenderTag) -> None:
    payment = pending("12")
    shown = page("{% pending_charges %}")
    resume = shown.one("a", href=reverse("payments_ui:payment", args=[payment.pk]))
    assert resume.text == "Continue this payment"
    give_up = shown.form(reverse("payments_ui:cancellation", args=[payment.pk]))
    assert give_up.one("button").text == "Cancel this payment"


def test_what_came_since_does_not_start_a_second_payment(
    pending: Pending, owe: Owe, page: RenderTag
) -> None:
    pending("12")
    owe("3")
    shown = page("{% pending_charges %}")
    assert rows(shown) == ["Use 0 CHF 3.00"]
    assert "Continue to payment" not in shown.text


def test_a_payment_under_way_cannot_be_given_up_here(pending: Pending, page: RenderTag) -> None:
    pending("12").start_attempt(moocher="cards")
    shown = page("{% pending_charges %}")
    assert "Being processed: CHF 12.00" in shown.text
    assert shown.all("form") == []


EVERY_TAG = "{% pending_charges %}{% pay_button %}{% charges_badge %}"


def test_what_waits_in_a_pending_payment_is_owed_until_it_is_paid(
    pending: Pending, owe: Owe, page: RenderTag
) -> None:
    payment = pending("12", "1")
    owe("3", currency="EUR")
    shown = page(EVERY_TAG)
    assert "To pay: CHF 13.00" in shown.text
    assert "Also open: €3.00" in shown.text
    assert "Continue to payment: CHF 13.00" in shown.text
    assert shown.text.endswith("3 items to pay")
    attempt = payment.start_attempt(moocher="cards")
    shown = page(EVERY_TAG)
    assert "To pay: CHF 13.00" in shown.text
    assert "View payment: CHF 13.00" in shown.text
    assert shown.text.endswith("3 items to pay")
    attempt.record(money_of(attempt))
    shown = page(EVERY_TAG)
    assert "CHF" not in shown.text
    assert shown.text.endswith("1 item to pay")


def test_a_pending_payment_is_owed_beside_what_came_since(
    pending: Pending, owe: Owe, page: RenderTag
) -> None:
    pending("12")
    owe("3")
    shown = page(EVERY_TAG + '{% charges_badge what="total" %}')
    assert "To pay: CHF 15.00" in shown.text
    assert "Continue to payment: CHF 15.00" in shown.text
    assert shown.text.endswith("2 items to pay CHF 15.00 to pay")


def test_a_credit_beside_a_pending_payment_waits_for_the_next(
    pending: Pending, owe: Owe, page: RenderTag
) -> None:
    pending("12")
    owe("-5")
    shown = page(EVERY_TAG)
    assert "To pay: CHF 12.00" in shown.text
    assert "You also have a credit of CHF 5.00" in shown.text
    assert "You have nothing to pay" not in shown.text
    assert "Continue to payment: CHF 12.00" in shown.text


def test_a_credit_in_another_currency_is_none_of_what_is_open(owe: Owe, page: RenderTag) -> None:
    owe("12")
    owe("-5", currency="EUR")
    shown = page("{% pending_charges %}{% charges_badge %}")
    assert "Your credit: €5.00" in shown.text
    assert "Also open" not in shown.text
    assert shown.text.endswith("1 item to pay")


def primary(shown: Node) -> list[str]:
    return [n.text for n in shown if "pui-button" in n.attrs.get("class", "").split()]


def test_one_button_of_the_list_leads_on(pending: Pending, owe: Owe, page: RenderTag) -> None:
    pending("3", currency="EUR")
    assert primary(page("{% pending_charges %}")) == ["Continue this payment"]
    payment = pending("12")
    (first,) = primary(page("{% pending_charges %}"))
    assert first.startswith("Continue this payment CHF 12.00")
    payment.start_attempt(moocher="cards")
    owe("5")
    assert primary(page("{% pending_charges %}")) == ["Continue to payment"]


@pytest.mark.parametrize(
    ("answer", "title", "link"),
    [
        (outcomes.ActionRequired(), "Not finished: CHF 12.00", "Continue this payment"),
        (outcomes.Pending(), "Being processed: CHF 12.00", "View status"),
        (outcomes.Unknown(), "Being checked: CHF 12.00", "View status"),
    ],
)
def test_the_list_says_who_is_waited_for(
    answer: outcomes.Outcome, title: str, link: str, pending: Pending, page: RenderTag
) -> None:
    pending("12").start_attempt(moocher="cards").record(answer)
    shown = page("{% pending_charges %}")
    assert title in shown.text
    assert "progress" not in shown.text
    assert shown.one("a", id=f"pui-1-resume-{Payment.objects.get().pk}").text == link


def test_a_transfer_that_waits_for_the_customer_has_its_details_at_hand(
    pending: Pending, page: RenderTag, moochers: dict[str, Any]
) -> None:
    moochers["MOOCHERS"] = [TRANSFER]
    attempt = pending("12").start_attempt(moocher="transfer", manual=True)
    attempt.record(outcomes.Pending())
    shown = page("{% pending_charges %}")
    assert "Waiting for your transfer: CHF 12.00" in shown.text
    details = shown.one("details")
    assert "CH44 3199 9123 0008 8901 2" in details.text
    assert details.one("svg").attrs["aria-label"].startswith("QR code")
    # Nothing of it is "under way", and no button begins it anew.
    assert primary(shown) == []


def test_other_peoples_charges_are_not_shown(
    owe: Owe, page: RenderTag, make_user: Callable[..., User]
) -> None:
    owe("12", of=make_user(), title="Somebody else's")
    assert "Somebody else's" not in page("{% pending_charges %}").text


@pytest.mark.parametrize("uses", [1, 60])
def test_the_list_takes_one_query_whatever_its_length_and_one_for_pending_payments(
    uses: int, owe: Owe, pending: Pending, page: RenderTag
) -> None:
    owe(*["1"] * uses)
    owe("3", currency="EUR")
    with reads(1):
        page("{% pending_charges %}")
    pending("12", currency="CHF")
    owe(*["1"] * uses)
    with reads(2):
        page("{% pending_charges %}")


def test_some_charges_can_be_ticked(owe: Owe, page: RenderTag, body: Callable[..., Node]) -> None:
    items = owe("1", "2")
    link = page("{% pending_charges selectable=True %}").one("a", id="pui-1-select")
    assert link.attrs["href"].endswith("?select=1&currency=CHF")
    form = body(select=True).form(reverse("payments_ui:payments"))
    boxes = form.all("input", name="lineitems")
    assert {box.attrs["value"] for box in boxes} == {str(item.pk) for item in items}
    assert all("checked" not in box.attrs for box in boxes)
    assert form.fields()["select"] == "1"


def test_ticking_nothing_is_said_first_and_beside_the_boxes(
    owe: Owe, user: User, body: Callable[..., Node]
) -> None:
    owe("1")
    form = LineItemSelection(user, "CHF", data={})
    assert not form.is_valid()
    shown = body(form=form, focus=True)
    summary = shown.one(id="pui-0-error")
    assert "Select at least one item." in summary.text
    assert "autofocus" in summary.attrs
    group = shown.one("fieldset")
    assert shown.one(id=group.attrs["aria-describedby"]).text == "Select at least one item."


def test_a_selection_without_charges_says_that_all_is_paid(body: Callable[..., Node]) -> None:
    assert "You have paid everything" in body(select=True).text


def test_an_error_takes_the_focus_and_a_notice_does_not(body: Callable[..., Node]) -> None:
    failed = body(error="The bank said no.", focus=True)
    assert [node.attrs["id"] for node in failed.with_attr("autofocus")] == ["pui-0-error"]
    cancelled = body(notice="Nothing was charged.", focus=True)
    assert "Nothing was charged." in cancelled.text
    assert [node.attrs["id"] for node in cancelled.with_attr("autofocus")] == ["pui-0-step"]


def test_a_refresh_never_moves_the_focus(owe: Owe, body: Callable[..., Node]) -> None:
    owe("1")
    assert body().with_attr("autofocus") == []


def test_titles_are_escaped(owe: Owe, page: RenderTag) -> None:
    owe("1", title="<img src=x onerror=alert(1)>")
    shown = page("{% pending_charges %}")
    assert shown.all("img") == []
    assert "<img src=x onerror=alert(1)>" in shown.text


def test_selections_take_the_users_open_charges_only(
    owe: Owe, user: User, make_user: Callable[..., User], pending: Pending
) -> None:
    theirs = owe("1", of=make_user())
    pending("1")
    bound = LineItem.objects.filter(user=user, payment__isnull=False).first()
    (mine,) = owe("1")
    euro = owe("1", currency="EUR")
    assert bound is not None
    for item in (*theirs, bound, *euro):
        assert not LineItemSelection(user, "CHF", data={"lineitems": [item.pk]}).is_valid()
    for junk in ("x", "²", "1" * 40, "-1"):
        assert not LineItemSelection(user, "CHF", data={"lineitems": [junk]}).is_valid()
    form = LineItemSelection(user, "CHF", data={"lineitems": [mine.pk, mine.pk]})
    assert form.is_valid()
    assert form.cleaned_data["lineitems"] == [mine]


def test_rows_that_look_alike_are_told_apart_by_their_time(
    user: User, body: Callable[..., Node]
) -> None:
    morning = dt.datetime(2026, 5, 12, 9, 30, tzinfo=dt.UTC)
    afternoon = morning + dt.timedelta(hours=6)
    for title, used_at in (("Render", morning), ("Render", afternoon), ("Export", afternoon)):
        LineItem.objects.record(user=user, title=title, amount="1", used_at=used_at)
    shown = [use.text for use in body(select=True).all("span", class_="pui-use")]
    assert shown == [
        "May 12, 2026",
        "May 12, 2026, 5:30:00 PM",
        "May 12, 2026, 11:30:00 AM",
    ]


def test_rows_of_the_same_second_have_numbers(user: User, body: Callable[..., Node]) -> None:
    for milliseconds in (1, 2):
        used_at = dt.datetime(2026, 5, 12, 9, 30, 0, milliseconds * 1000, tzinfo=dt.UTC)
        LineItem.objects.record(user=user, title="Render", amount="1", used_at=used_at)
    labels = [label.text for label in body(select=True).all("label")]
    assert sorted(label.partition(")")[0] for label in labels) == ["Render (1", "Render (2"]


def test_several_payments_of_a_list_have_buttons_with_names_of_their_own(
    page: RenderTag, pending: Pending
) -> None:
    for _time in range(2):
        pending("12")
    shown = page("{% pending_charges %}")
    links = [link.text for link in shown.all("a") if link.text.startswith("Continue this payment")]
    buttons = [one.text for one in shown.all("button") if "Cancel this payment" in one.text]
    assert len(set(links)) == len(set(buttons)) == 2


def test_exact_amounts_above_a_rounded_total_are_explained(owe: Owe, page: RenderTag) -> None:
    owe("1.30", "2")
    assert "rounded" not in page("{% pending_charges %}").text
    owe("0.0004")
    assert "rounded, once, to CHF 0.01." in page("{% pending_charges %}").text
    owe("500", "0.4", currency="JPY")
    shown = page('{% pending_charges currency="JPY" %}').text
    assert "rounded, once, to \xa51." in shown


def test_a_selection_of_more_than_a_page_is_refused(
    owe: Owe, user: User, django_assert_num_queries: Queries
) -> None:
    form = LineItemSelection(user, "CHF", data={"lineitems": [str(n) for n in range(1, 102)]})
    with django_assert_num_queries(0):
        assert not form.is_valid()
