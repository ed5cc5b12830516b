"""The widget on a page, beside a fragment written by hand, and for users with many line items."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template import engines
from django.test import RequestFactory

from bench import data, database, table
from bench.by_hand import Fragment, squeezed
from bench.table import Row
from bench.timing import Race, timed
from payments_ui.core.models import LineItem

FEW, MANY = 100, 100_000
REPEATS = 300
QUICK_MANY, QUICK_REPEATS = 1_000, 3

MOST_QUERIES = 3
#: At most so many times the time of the hand-written fragment.
BESIDE_HAND = 2
#: With many items beside few, the database's own time left out.
MANY_BESIDE_FEW = 1.2

Show = Callable[[HttpRequest, User], str]
_CHANGING = re.compile(r'(?<=csrfmiddlewaretoken" value=")\w+|(?<=data-pui-v=")\d+')


def rows(quick: bool) -> Iterator[Row]:
    """The promises about a page with the widget."""
    repeats = QUICK_REPEATS if quick else REPEATS
    items = QUICK_MANY if quick else MANY
    few, many = data.user_with(FEW), data.user_with(items)
    database.tidy(LineItem, analyze=True)
    widget: Show = _widget()
    queries = database.queries(partial(_show, widget, few))
    yield table.number("widget on a page: queries", queries, MOST_QUERIES, 1)
    yield _beside_hand(widget, few, repeats)
    laps = [partial(database.apart, partial(_show, widget, user)) for user in (many, few)]
    race = Race(laps, repeats // 3)
    name = f"widget on a page, {items:,} items: beside {FEW}, database apart"
    yield table.duration(name, race.seconds(0), race.seconds(1), race.ratio(0, 1), MANY_BESIDE_FEW)


def _widget() -> Show:
    template = engines["django"].from_string("{% load payments_ui %}{% pending_charges %}")
    return lambda request, _user: str(template.render({}, request))


def _show(show: Show, user: User) -> str:
    request = RequestFactory().get("/")
    request.user = user
    return show(request, user)


def _beside_hand(widget: Show, user: User, repeats: int) -> Row:
    html = _show(widget, user)
    fragment = Fragment(html).render
    by_hand = _show(fragment, user)
    assert _comparable(by_hand) == _comparable(html), "the fragment is to be the widget's HTML"
    assert database.queries(partial(_show, fragment, user)) == 1
    race = Race(
        [partial(timed, partial(_show, each, user)) for each in (widget, fragment)], repeats
    )
    name = f"widget on a page, {FEW} items: beside HTML by hand"
    return table.duration(name, race.seconds(0), race.seconds(1), race.ratio(0, 1), BESIDE_HAND)


def _comparable(html: str) -> str:
    return _CHANGING.sub("", squeezed(html))
