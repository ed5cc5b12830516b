"""Widgets on a page: one, several, and of a user who owes a lot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template import engines
from django.test import RequestFactory

from bench import bare, data, database, meters
from bench.by_hand import Fragment, squeezed
from bench.contest import Contestant, Row
from bench.results import Number, Worth
from bench.sizes import Size
from payments_ui.core.models import LineItem

FEW = 10
_PAGES = Worth("pages a second")
LIVE = "{% pending_charges live=True %}"
STILL = "{% pending_charges %}"
_BADGE, _BUTTON = "{% charges_badge %}", "{% pay_button %}"
#: Calls of Python functions with many line items, beside those with as many as a page shows.
_FLAT = 1.05
_SHOWN = 300
_CHANGING = re.compile(
    r'(?<=csrfmiddlewaretoken" value=")\w+|(?<=data-pui-v=")[\d.]+|(?<=-group-)[\da-f]+'
    r'|(?<=hx-get=")[^"]+'
)

_SCAN = f"""
SELECT title, COUNT(*), SUM(amount), MIN(used_at), MAX(used_at) FROM {LineItem._meta.db_table}
WHERE payment_id IS NULL AND user_id = %s GROUP BY title ORDER BY MAX(used_at) DESC LIMIT 21
"""  # noqa: S608 - only our own table

Show = Callable[[HttpRequest, User], str]


class Page(Contestant):
    """A view's work for a page with these widgets, session and user apart."""

    def __init__(self, name: str, show: Show, user: User) -> None:
        super().__init__(name)
        self._show, self._user = show, user

    def prepare(self) -> HttpRequest:
        request = RequestFactory().get("/")
        request.user = self._user
        return request

    def run(self, subject: HttpRequest) -> str:
        return self._show(subject, self._user)

    def html(self) -> str:
        """What it shows."""
        return self.run(self.prepare())


def widgets(user: User, *tags: str, name: str = "kit") -> Page:
    """A page with these widgets."""
    template = engines["django"].from_string("{% load payments_ui %}" + "\n".join(tags))
    return Page(name, lambda request, _user: str(template.render({}, request)), user)


def rows(size: Size) -> Iterator[Row | Number]:
    """The rows about pages."""
    few, many = data.user_with(FEW), data.user_with(size.many)
    database.tidy(LineItem, analyze=True)
    yield _beside_hand("page", f"a page with the widget, {FEW} line items", few, STILL)
    yield _beside_hand("page-live", f"a page with the widget, live, {FEW} line items", few, LIVE)
    one = widgets(few, LIVE, name="one widget")
    several = {3: (LIVE, _BADGE, _BUTTON), 10: (LIVE, _BADGE, _BUTTON) * 3 + (LIVE,)}
    for number, tags in several.items():
        yield Row(
            key=f"page-{number}-widgets",
            title=f"a page with {number} widgets",
            kit=widgets(few, *tags),
            anchors=[one],
            times=4,
            worth=_PAGES,
        )
    yield Row(
        key="page-many",
        title=f"a page with the widget, live, {size.many:,} line items",
        kit=widgets(many, LIVE),
        anchors=[Contestant("the scan", partial(_scan, many))],
        worth=_PAGES,
        tables=[LineItem],
    )
    shown, calls = (
        widgets(user, LIVE).once(meters.calls) for user in (data.user_with(_SHOWN), many)
    )
    yield Number(
        key="page-calls",
        title=f"a page with the widget, live, {size.many:,} line items: calls of Python functions",
        value=calls,
        limit=shown * _FLAT,
        beside=f"{shown:,} with {_SHOWN}",
    )


def _beside_hand(key: str, title: str, user: User, tag: str) -> Row:
    widget = widgets(user, tag)
    html = widget.html()
    by_hand = Page("by hand", Fragment(html).render, user)
    assert _comparable(by_hand.html()) == _comparable(html), "the fragment is to be the widget's"
    return Row(key=key, title=title, kit=widget, anchors=[by_hand], times=4, worth=_PAGES)


def _comparable(html: str) -> str:
    return _CHANGING.sub("", squeezed(html))


def _scan(user: User) -> Any:
    """What the database has to do to sum what a user owes, by title."""
    return bare.execute(_SCAN, [user.pk])
