"""One widget's parameters on one page, and how they travel with its fragments."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest

from payments_ui import money
from payments_ui.conf import settings as pui

logger = logging.getLogger("payments_ui")

#: Ids are ``pui-<instance>-<part>``; these instances are the kit's own.
RESERVED = frozenset({"heartbeat", "news"})
_INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class WidgetError(ValueError):
    """A tag that was used in a way that cannot work; the message names the fix."""


def complain(error: WidgetError) -> None:
    """Raise it where ``DEBUG`` is on; log it elsewhere, where the page has to work."""
    if settings.DEBUG:
        raise error
    logger.error("payments_ui: %s", error)


def _flag(value: object) -> bool:
    if value in (True, "1"):
        return True
    if value in (False, "0"):
        return False
    raise ValueError("must be True or False")


def _integer(lowest: int, highest: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        text = str(value)
        # Not isdigit(): it takes digits that int() does not.
        if not re.fullmatch(r"[0-9]{1,3}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _currency(value: object) -> str:
    if value and not money.is_currency(value):
        raise ValueError("must be an ISO 4217 code such as CHF")
    return str(value or "")


def _instance(value: object) -> str:
    text = str(value)
    if not _INSTANCE.fullmatch(text) or text in RESERVED:
        raise ValueError("must be letters, digits, - and _, at most 40, such as sidebar")
    return f"pui-{text}"


def _id(value: object) -> str:
    # Fragments name the whole id.
    return _instance(str(value).removeprefix("pui-"))


def _what(value: object) -> str:
    if value not in ("count", "total"):
        raise ValueError('must be "count" or "total"')
    return str(value)


def _kind(value: object) -> str:
    if value not in ("charges", "button", "badge"):
        raise ValueError("must be charges, button or badge")
    return str(value)


#: Parameters a widget's fragments need again, and how they are read.
_TRAVELLING: Mapping[str, Callable[[object], Any]] = {
    "heading": _integer(1, 6),
    "live": _flag,
    "limit": _integer(1, 100),
    "currency": _currency,
    "group": _flag,
    "selectable": _flag,
    "what": _what,
    "kind": _kind,
}
_PARSERS: Mapping[str, Callable[[object], Any]] = {
    **_TRAVELLING,
    "id": _instance,
    "title": str,
    "anonymous": str,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """What a tag was given, on one page.

    ``id`` prefixes every id in the widget's markup. ``heading`` is the level of its own
    heading, 1 to 6. ``live`` asks for news by itself. ``limit`` is the number of rows of a
    page. ``currency`` restricts to one. ``group`` joins line items of one title.
    ``selectable`` offers to pay some of them only. ``anonymous`` is the text for visitors
    who are not signed in. ``what`` a badge shows: count or total.
    ``kind`` is what the list step is: charges, button or badge.
    """

    id: str = "pui-0"
    title: str = ""
    heading: int = 2
    live: bool = False
    limit: int = 20
    currency: str = ""
    group: bool = True
    selectable: bool = False
    anonymous: str = ""
    what: str = "count"
    kind: str = "charges"

    @classmethod
    def for_tag(
        cls,
        request: HttpRequest,
        accepts: frozenset[str],
        kind: str = "charges",
        **params: object,
    ) -> Self:
        """The widget of a tag that ``accepts`` these parameters.

        A parameter that is unknown or wrong raises ``WidgetError`` where ``DEBUG`` is on.
        Elsewhere it is logged and left out, so that the host's page still works.
        """
        page = Page.of(request)
        values = {**_defaults(), "kind": kind}
        for name, value in params.items():
            try:
                checked = _checked(name, value, accepts)
                values[name] = page.take(checked) if name == "id" else checked
            except WidgetError as error:
                complain(error)
        if values["id"] not in page.ids:
            values["id"] = page.next_id()
        return cls(**values)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The widget that a fragment's request names. What is invalid becomes the default."""
        values = _defaults()
        for name, parse in {**_TRAVELLING, "id": _id}.items():
            field = "w" if name == "id" else f"w-{name}"
            try:
                values[name] = parse(data[field])
            except (KeyError, ValueError):
                continue
        return cls(**values)

    @property
    def data(self) -> dict[str, str]:
        """Fields a fragment's request carries: the id, and what differs from the defaults."""
        defaults = _defaults()
        given = {name: getattr(self, name) for name in _TRAVELLING}
        return {"w": self.id} | {
            f"w-{name}": str(int(value) if isinstance(value, bool) else value)
            for name, value in given.items()
            if value != defaults[name]
        }

    @property
    def query(self) -> str:
        """``data`` as a query string."""
        return urlencode(self.data)

    @property
    def step_heading(self) -> int:
        """Level of the headings inside the body."""
        return min(self.heading + 1, 6)


def _defaults() -> dict[str, Any]:
    own = {field.name: field.default for field in fields(Widget)}
    return {**own, "live": pui.LIVE, "limit": pui.PAGE_SIZE}


def _checked(name: str, value: object, accepts: frozenset[str]) -> Any:
    if name not in accepts:
        near = difflib.get_close_matches(name, sorted(accepts), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(accepts))}."
        raise WidgetError(f"unknown parameter {name}: {hint}")
    try:
        return _PARSERS[name](value)
    except ValueError as error:
        raise WidgetError(f"{name}={value!r} {error}") from None


class Page:
    """What one page holds: ids in use, its heartbeat, and the books' version it was read at."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.has_heartbeat = False
        self.names: set[str] = set()
        self.seen: str | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Page:
        """The page that answers ``request``."""
        page = getattr(request, "_payments_ui_page", None)
        if not isinstance(page, Page):
            page = request._payments_ui_page = cls()  # type: ignore[attr-defined]
        return page

    def take(self, id_: str) -> str:
        """Claim an id. Raises ``WidgetError`` if another widget of the page has it."""
        if id_ in self.ids:
            raise WidgetError(f"id={id_.removeprefix('pui-')!r} is used twice on this page")
        self.ids.add(id_)
        return id_

    def next_id(self) -> str:
        """Claim the next free number."""
        number = len(self.ids) + 1
        while f"pui-{number}" in self.ids:
            number += 1
        return self.take(f"pui-{number}")

    def claim_name(self, name: str) -> bool:
        """Whether no other widget of the page has this name, so that it can be a landmark."""
        first = name not in self.names
        self.names.add(name)
        return first

    def claim_heartbeat(self) -> bool:
        """Whether the caller is to render the page's one heartbeat."""
        first = not self.has_heartbeat
        self.has_heartbeat = True
        return first
