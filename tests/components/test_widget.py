"""What a tag was given, and how it travels."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.http import HttpRequest, QueryDict
from pytest_django import Settings

from payments_ui.components.widget import Widget, WidgetError

from .conftest import RequestOf

ACCEPTS = frozenset({"id", "title", "heading", "live", "limit", "currency", "group", "what"})


def given(request: HttpRequest, **params: object) -> Widget:
    """Return the widget of a tag that was given these parameters."""
    return Widget.for_tag(request, ACCEPTS, params)


def test_what_a_tag_was_given_reaches_its_fragments(request_of: RequestOf) -> None:
    widget = given(request_of(), id="side", heading=4, limit=5, currency="EUR", group=False)
    again = Widget.from_data(QueryDict(widget.query))
    assert (again.id, again.heading, again.limit) == ("pui-side", 4, 5)
    assert (again.currency, again.group) == ("EUR", False)


def test_a_widget_with_defaults_carries_only_its_id(request_of: RequestOf) -> None:
    assert given(request_of()).data == {"w": "pui-1"}


def test_titles_do_not_travel(request_of: RequestOf) -> None:
    widget = given(request_of(), title="Whatever a link says")
    assert Widget.from_data(widget.data).title == ""


def test_settings_are_the_defaults(request_of: RequestOf, settings: Settings) -> None:
    settings.PAYMENTS_UI = {"LIVE": True, "PAGE_SIZE": 7}
    widget = given(request_of())
    assert (widget.live, widget.limit) == (True, 7)
    assert given(request_of(), live=False).data["w-live"] == "0"


@pytest.mark.parametrize(
    "data",
    [
        {"w": "<script>", "w-heading": "9", "w-limit": "100000", "w-currency": "gold"},
        {"w": "pui-heartbeat", "w-heading": "-1", "w-limit": "²", "w-live": "yes"},
        {"w": "", "w-component": "<b>", "w-what": "all", "w-group": "2"},
        {},
    ],
)
def test_what_is_tampered_with_becomes_the_default(data: dict[str, str]) -> None:
    assert Widget.from_data(data) == Widget()


def test_ids_of_a_page_are_unique(request_of: RequestOf) -> None:
    page = request_of()
    two = given(page, id="2")
    ids = [two.id, *(given(page).id for _ in range(3))]
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    ("params", "fix"),
    [
        ({"limt": 3}, "did you mean limit?"),
        ({"zzzzzz": 3}, "known are currency"),
        ({"limit": 0}, "from 1 to 100"),
        ({"heading": "h2"}, "from 1 to 6"),
        ({"live": "yes"}, "True or False"),
        ({"currency": "chf"}, "such as CHF"),
        ({"id": "a b"}, "such as sidebar"),
        ({"id": "heartbeat"}, "such as sidebar"),
        ({"what": "all"}, '"count" or "total"'),
    ],
)
def test_a_mistake_names_its_fix_in_debug(
    params: dict[str, Any], fix: str, request_of: RequestOf, settings: Settings
) -> None:
    settings.DEBUG = True
    with pytest.raises(WidgetError) as error:
        given(request_of(), **params)
    assert fix in str(error.value)


def test_an_id_is_given_once(request_of: RequestOf, settings: Settings) -> None:
    settings.DEBUG = True
    page = request_of()
    given(page, id="side")
    with pytest.raises(WidgetError, match="used twice"):
        given(page, id="side")


def test_a_mistake_is_logged_and_left_out_in_production(
    request_of: RequestOf, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        widget = given(request_of(), limt=3, limit=9, heading=99)
    assert (widget.limit, widget.heading) == (9, 2)
    assert len(caplog.records) == 2


def test_headings_end_at_six(request_of: RequestOf) -> None:
    assert given(request_of(), heading=6).step_heading == 6
    assert given(request_of(), heading=2).step_heading == 3
