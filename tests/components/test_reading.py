"""All widgets of a page share what they read, and what they show is never older than the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.template import RequestContext, Template

from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.widget import Widget
from payments_ui.core.models import LineItem, Payment
from tests.core.support import started
from tests.counting import reads
from tests.dom import Node, parse

from .conftest import Owe, RenderTag, RequestOf

LIST = "{% pending_charges live=True %}"
Pending = Callable[..., Payment]


def shown(request: object, tags: str = LIST) -> Node:
    template = Template(f"{{% load payments_ui %}}{tags}")
    return parse(template.render(RequestContext(request, {})))  # type: ignore[arg-type]


@pytest.mark.parametrize("widgets", [1, 3, 10])
@pytest.mark.parametrize("uses", [10, 1_000])
def test_one_query_serves_all_widgets_of_a_page(
    widgets: int, uses: int, user: User, page: RenderTag
) -> None:
    LineItem.objects.bulk_create(
        LineItem(user=user, title=f"Use {n % 30}", amount="0.05", currency="CHF")
        for n in range(uses)
    )
    with reads(1):
        document = page(LIST * widgets)
    assert document.text.count(f"To pay: CHF {uses * 5 / 100:.2f}") == widgets


@pytest.mark.parametrize("widgets", [1, 3, 10])
def test_pending_payments_are_read_once_with_what_is_waited_for(
    widgets: int, owe: Owe, pending: Pending, page: RenderTag
) -> None:
    started(pending("5"))
    owe("12")
    with reads(3):
        document = page(LIST * widgets)
    assert document.text.count("Being processed: CHF 5.00") == widgets


def test_a_badge_before_the_list_adds_one_query(owe: Owe, page: RenderTag) -> None:
    owe("12")
    with reads(2):
        page("{% charges_badge %}{% pay_button %}" + LIST * 2)


def test_lists_of_other_pages_currencies_and_looks_are_not_mixed(owe: Owe, page: RenderTag) -> None:
    owe("1", "2", title="Same")
    owe("3", currency="EUR", title="Euros")
    alike, apart, euros = page(
        "{% pending_charges %}{% pending_charges group=False %}{% pending_charges currency='EUR' %}"
    ).all("tbody")
    assert [len(body.all("tr")) for body in (alike, apart, euros)] == [1, 2, 1]
    assert "Euros" in euros.text


def test_where_the_sites_currency_is_not_owed_its_rows_are_read_too(
    owe: Owe, page: RenderTag
) -> None:
    owe("3", currency="EUR", title="Euros")
    with reads(2):
        document = page(LIST)
    assert "Euros" in document.one("tbody").text


def test_what_a_request_writes_between_two_renderings_is_shown(
    user: User, owe: Owe, request_of: RequestOf
) -> None:
    request = request_of(user)
    owe("1")
    assert "To pay: CHF 1.00" in shown(request).text
    owe("2")
    assert "To pay: CHF 3.00" in shown(request).text
    Payment.objects.create_pending(user=user)
    assert "Not finished: CHF 3.00" in shown(request).text


def test_the_same_context_rendered_again_reads_again(
    user: User, owe: Owe, request_of: RequestOf
) -> None:
    template = Template("{% load payments_ui %}{% pending_charges %}")
    context = RequestContext(request_of(user), {})
    owe("1")
    assert "CHF 1.00" in parse(template.render(context)).text
    owe("2")
    assert "CHF 3.00" in parse(template.render(context)).text


def test_what_was_rolled_back_is_not_shown(user: User, owe: Owe, request_of: RequestOf) -> None:
    request = request_of(user)
    owe("1")
    with transaction.atomic():
        owe("2")
        assert "To pay: CHF 3.00" in shown(request).text
        transaction.set_rollback(True)
    assert "To pay: CHF 1.00" in shown(request).text


def test_components_of_a_view_read_for_themselves(
    user: User, owe: Owe, request_of: RequestOf
) -> None:
    request = request_of(user)
    owe("1")
    before = PendingCharges(request, Widget())
    owe("2")
    after = PendingCharges(request, Widget())
    assert "CHF 1.00" in parse(before.render_body()).text
    assert "CHF 3.00" in parse(after.render_body()).text
    assert before.version != after.version


def test_the_heartbeat_knows_the_oldest_version_that_the_page_shows(
    user: User, owe: Owe, request_of: RequestOf
) -> None:
    request = request_of(user)
    first = PendingCharges(request, Widget()).version
    owe("1")
    (beat,) = shown(request).with_attr("data-pui-heartbeat")
    assert f"v={first}" in beat.attrs["hx-get"]


def test_two_payers_in_one_rendering_see_their_own(
    user: User, owe: Owe, make_user: Callable[..., User], request_of: RequestOf
) -> None:
    other = make_user()
    owe("1")
    owe("7", of=other)
    context = {"mine": request_of(user), "theirs": request_of(other)}
    template = Template(
        "{% load payments_ui %}{% with request=mine %}{% pending_charges %}{% endwith %}"
        "{% with request=theirs %}{% pending_charges %}{% endwith %}"
        "{% with request=mine %}{% charges_badge what='total' %}{% endwith %}"
    )
    document = parse(template.render(RequestContext(request_of(), context)))
    texts = [root.text for root in document.with_attr("data-pui")]
    assert ["CHF 1.00" in text for text in texts] == [True, False, True]
    assert ["CHF 7.00" in text for text in texts] == [False, True, False]


def test_widgets_of_included_templates_share_with_those_around_them(
    user: User, owe: Owe, request_of: RequestOf
) -> None:
    owe("12")
    inner = Template("{% load payments_ui %}{% pending_charges %}{% pay_button %}")
    source = (
        "{% load payments_ui %}{% pending_charges %}{% include inner %}{% include inner only %}"
    )
    with reads(1):
        Template(source).render(RequestContext(request_of(user), {"inner": inner}))
