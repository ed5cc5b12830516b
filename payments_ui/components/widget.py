"""One widget's parameters on one page, and how they travel with its fragments."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import Field, dataclass, field, fields
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from payments_ui import money
from payments_ui.conf import settings as pui

from .reading import Reading

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger("payments_ui")
T = TypeVar("T")

#: Ids are ``pui-<instance>-<part>``; these instances are the kit's own.
RESERVED = frozenset({"heartbeat", "news"})
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
#: The id where no tag has given one. Ids are safe in HTML, so templates need not escape them.
_ONLY = SafeString("pui-0")
_INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class WidgetError(ValueError):
    """A template uses a tag in a way that cannot work; the message names the fix."""


def complain(error: WidgetError) -> None:
    """Raise the error where ``DEBUG`` is on; log it elsewhere, where the page has to work."""
    if settings.DEBUG:
        raise error
    logger.error("payments_ui: %s", error)


def parameter(default: T, parse: Callable[[object], T], *, travels: bool = True) -> T:
    """A field of ``Widget``: its default, and how a template's or a fragment's value is read.

    ``parse`` returns the value, or raises ``ValueError`` with the rest of the sentence
    "limit=0 …". Where ``travels``, fragments carry the parameter to the server and back.
    """
    given: T = field(default=default, metadata={"parse": parse, "travels": travels})
    return given


def flag(value: object) -> bool:
    """Read ``True`` or ``False``."""
    if value in (True, "1"):
        return True
    if value in (False, "0"):
        return False
    raise ValueError("must be True or False")


def integer(lowest: int, highest: int) -> Callable[[object], int]:
    """Read a whole number of at most three digits between these two."""

    def parse(value: object) -> int:
        text = str(value)
        # Not isdigit(): it takes digits that int() does not.
        if not re.fullmatch(r"[0-9]{1,3}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def choice(*values: str) -> Callable[[object], str]:
    """Read one of these texts."""

    def parse(value: object) -> str:
        if value not in values:
            raise ValueError("must be " + " or ".join(f'"{known}"' for known in values))
        return str(value)

    return parse


def _currency(value: object) -> str:
    if value and not money.is_currency(value):
        raise ValueError("must be an ISO 4217 code such as CHF")
    return str(value or "")


def _instance(value: object) -> SafeString:
    text = str(value)
    if not _INSTANCE.fullmatch(text) or text in RESERVED:
        raise ValueError("must be letters, digits, - and _, at most 40, such as sidebar")
    return format_html("pui-{}", text)


def _component(value: object) -> str:
    # Whether there is one of this name, the views find out.
    if not _NAME.fullmatch(str(value)):
        raise ValueError("must be the name of a component, such as pay-button")
    return str(value)


@dataclass(frozen=True, kw_only=True)
class Widget:
    """What a tag was given, on one page.

    ``id`` prefixes every id in the widget's markup. ``heading`` is the level of its own
    heading, 1 to 6. ``live`` asks for news by itself. ``limit`` is the number of rows of a
    page. ``currency`` restricts to one. ``group`` joins line items of one title.
    ``selectable`` offers to pay some of them only. ``anonymous`` is the text for visitors
    who are not signed in. ``what`` a badge shows: count or total. ``component`` is the name
    of the tag's component, whose list the steps of a payment return to.

    A component with parameters of its own names a subclass as its ``widget_class``.
    """

    id: str = parameter(_ONLY, _instance, travels=False)
    title: str = parameter("", str, travels=False)
    anonymous: str = parameter("", str, travels=False)
    heading: int = parameter(2, integer(1, 6))
    live: bool = parameter(False, flag)
    limit: int = parameter(20, integer(1, 100))
    currency: str = parameter("", _currency)
    group: bool = parameter(True, flag)
    selectable: bool = parameter(False, flag)
    what: str = parameter("count", choice("count", "total"))
    component: str = parameter("pending-charges", _component)

    @classmethod
    def for_tag(
        cls,
        request: HttpRequest,
        accepts: Collection[str],
        params: Mapping[str, object],
        **preset: str | int,
    ) -> Self:
        """The widget of a tag that ``accepts`` these parameters.

        A parameter that is unknown or wrong raises ``WidgetError`` where ``DEBUG`` is on.
        Elsewhere it is logged and left out, so that the host's page still works.
        """
        page = PageState.of(request)
        values = cls._defaults() | preset
        parameters = cls._parameters()
        for name, value in params.items():
            try:
                if name not in accepts:
                    near = difflib.get_close_matches(name, sorted(accepts), n=1)
                    known = f"known are {', '.join(sorted(accepts))}."
                    hint = f"did you mean {near[0]}?" if near else known
                    raise WidgetError(f"unknown parameter {name}: {hint}")
                try:
                    checked = parameters[name].metadata["parse"](value)
                except ValueError as error:
                    raise WidgetError(f"{name}={value!r} {error}") from None
                values[name] = page.take(checked) if name == "id" else checked
            except WidgetError as error:
                complain(error)
        if values["id"] not in page.ids:
            values["id"] = page.next_id()
        return cls(**values)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The widget that a fragment's request names. What is invalid becomes the default."""
        values = cls._defaults()
        for name in cls._travelling():
            with suppress(KeyError, ValueError):
                values[name] = cls._parameters()[name].metadata["parse"](data[f"w-{name}"])
        with suppress(KeyError, ValueError):
            # Fragments name the whole id.
            values["id"] = _instance(str(data["w"]).removeprefix("pui-"))
        return cls(**values)

    @cached_property
    def data(self) -> dict[str, str]:
        """Fields a fragment's request carries: the id, and what differs from the defaults."""
        defaults = self._defaults()
        given = {name: getattr(self, name) for name in self._travelling()}
        return {"w": self.id} | {
            f"w-{name}": str(int(value) if isinstance(value, bool) else value)
            for name, value in given.items()
            if value != defaults[name]
        }

    @cached_property
    def query(self) -> str:
        """``data`` as a query string."""
        return urlencode(self.data)

    @property
    def step_heading(self) -> int:
        """Level of the headings inside the body."""
        return min(self.heading + 1, 6)

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        own = {name: each.default for name, each in cls._parameters().items()}
        return {**own, "live": pui.LIVE, "limit": pui.PAGE_SIZE}

    @classmethod
    def _travelling(cls) -> list[str]:
        return [name for name, each in cls._parameters().items() if each.metadata["travels"]]

    @classmethod
    def _parameters(cls) -> Mapping[str, Field[Any]]:
        return _fields_of(cast("Hashable", cls))


@cache
def _fields_of(widget: Any) -> Mapping[str, Field[Any]]:
    # Found once for each class, not for each widget.
    return {each.name: each for each in fields(widget)}


class PageState:
    """What one page holds: ids in use, its heartbeat, and the books' version it was read at.

    ``seen`` is the oldest version that any of its widgets shows.
    """

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.has_heartbeat = False
        self.names: set[str] = set()
        self.seen: str | None = None
        self._shared: dict[Any, Reading] | None = None
        self._token = "", ""

    @classmethod
    def of(cls, request: HttpRequest) -> PageState:
        """The state of the page that answers ``request``."""
        page = getattr(request, "_payments_ui_page", None)
        if not isinstance(page, PageState):
            page = request._payments_ui_page = cls()  # type: ignore[attr-defined]
        return page

    @contextmanager
    def rendering(self, context: Context) -> Iterator[None]:
        """Let the widgets of this rendering share what they read; not those of another one."""
        # Of the outermost template: included ones have frames of their own above it.
        frame: dict[Any, Any] = next(iter(context.render_context.dicts[1:2]), {})
        before, self._shared = self._shared, frame.setdefault("payments_ui.readings", {})
        try:
            yield
        finally:
            self._shared = before

    def reading_of(self, user: AbstractBaseUser) -> Reading:
        """The books of this payer, as the rendering that is under way shows them."""
        if self._shared is None:
            return Reading(user)
        return self._shared.setdefault(user.pk, Reading(user))

    def csrf_token(self, request: HttpRequest) -> str:
        """One token for all forms of the page: to make one takes as long as a row of a list."""
        secret = request.META.get("CSRF_COOKIE")
        # Who signs in meanwhile gets another secret.
        if secret is None or self._token[0] != secret:
            token = get_token(request)
            self._token = request.META["CSRF_COOKIE"], token
        return self._token[1]

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
        return self.take(format_html("pui-{}", number))

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
