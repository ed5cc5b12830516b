"""What every component is: one small class, one template, one root that is never swapped."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, cast

import django
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template.context import make_context
from django.template.loader import get_template
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString

from payments_ui import http
from payments_ui.conf import settings as pui
from payments_ui.exceptions import PaymentsUIError
from payments_ui.payer import is_guest, payer_of

from . import heartbeat
from .assets import nonce_of
from .widget import PageState, Widget

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.utils.functional import _StrPromise

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Refresh:
    """Answer to a step's refresher: the news alone, or the ``whole`` body.

    ``text`` is what of the news is spoken; of a whole body, its heading is.
    """

    html: SafeString
    whole: bool
    text: str = ""


class Component(ABC):
    """A widget of one kind, for one request; the class of a site's own widgets, too.

    It reads and never writes, in a constant number of queries. ``render()`` gives the root
    with its body, for a page; ``render_body()`` the body alone, for a fragment. ``page`` is
    the page of a list, from 1.
    """

    #: Names the tag (with underscores), the CSS class ``pui-<name>`` and the URL.
    name: ClassVar[str]
    #: The heading where the tag gives no ``title``.
    title: ClassVar[_StrPromise | str] = ""
    #: The root's template.
    template_name: ClassVar[str] = "payments_ui/components/root.html"
    #: Parameters that its tag takes: fields of ``widget_class``.
    accepts: ClassVar[Collection[str]] = frozenset({"id", "title", "heading", "anonymous"})
    #: Which parameters there are, how they are read, and which ones fragments carry.
    widget_class: ClassVar[type[Widget]] = Widget

    #: A neutral sentence above what the body shows.
    notice: str = ""
    #: What went wrong. Only an error's own sentence is shown: its detail is for developers.
    error: PaymentsUIError | str | None = None
    #: Whether the focus moves to the heading, or the error: in answers to the user's own action.
    focus: bool = False

    def __init__(self, request: HttpRequest, widget: Widget, *, page: int = 1) -> None:
        self.request = request
        self.widget = widget
        self.page = max(1, page)
        http.mark_private(request)
        #: The payer's books, shared with the other widgets of the page.
        self.reading = PageState.of(request).reading_of(self.user)
        #: What the books had counted when reading began: no older answer replaces a newer one.
        self.version = "" if self.user.pk is None else self.read_version()
        heartbeat.show(request, self.version)

    @property
    @abstractmethod
    def body_template_name(self) -> str:
        """The body's template, which extends ``payments_ui/components/body.html``."""

    @abstractmethod
    def get_context_data(self) -> dict[str, Any]:
        """What the body's template is given; ``step`` names what the body shows."""

    @classmethod
    def get_url(cls) -> str:
        """Where the widget is a page of its own, and where its fragments come from."""
        return reverse("payments_ui:widget", kwargs={"name": cls.name})

    def read_version(self) -> str:
        """The version of the books, before anything else is read."""
        return self.reading.version

    @property
    def error_text(self) -> str:
        """The sentence of ``error``; empty where nothing went wrong."""
        error = self.error
        return str(error.message if isinstance(error, PaymentsUIError) else error or "")

    @property
    def user(self) -> AbstractBaseUser:
        """Whose charges these are: the payer's, by default the request's user."""
        # A visitor has no primary key, and so no charges.
        payer = payer_of(self.request)
        return payer.user if payer else cast("AbstractBaseUser", AnonymousUser())

    @property
    def may_pay(self) -> bool:
        """Whether who looks may pay what the widget shows."""
        payer = payer_of(self.request)
        return payer is not None and payer.may_pay

    def render(self) -> SafeString:
        """The root: heading, live region and body. Visitors see ``anonymous`` or nothing."""
        if self.user.pk is None:
            anonymous = "payments_ui/components/anonymous.html"
            # Who is signed in, and has no payer, needs no advice to sign in.
            actor = getattr(self.request, "user", None)
            is_visitor = actor is None or not actor.is_authenticated
            is_told = is_visitor and self.widget.anonymous
            return self._render(anonymous) if is_told else SafeString("")
        page = PageState.of(self.request)
        needs_heartbeat = self.widget.live and page.claim_heartbeat()
        return self._render(
            self.template_name,
            **self.get_context_data(),
            # Asked by the templates of landmarks only: a badge takes no name away from them.
            is_landmark=functools.partial(page.claim_name, str(self.widget.title or self.title)),
            body_template=self.body_template_name,
            heartbeat=heartbeat.render(self.request, self.widget) if needs_heartbeat else "",
            hx_nonce=nonce_of(self.request) if pui.HX_NONCE else None,
        )

    def render_body(self) -> SafeString:
        """The body element alone, which is the one main swap target."""
        return self._render(self.body_template_name, **self.get_context_data())

    def _render(self, template_name: str, partial: str = "", **context: Any) -> SafeString:
        shared = {
            "component": self,
            "widget": self.widget,
            "version": self.version,
            "may_pay": self.may_pay,
            "is_guest": is_guest(self.request),
            "title": self.widget.title or self.title,
            "notice": self.notice,
            "error": self.error_text,
            "focus": self.focus,
            "help_url": pui.HELP_URL,
            # Not {% url … as … %}, which is silent where the host forgot the kit's URLs.
            "component_url": self.get_url(),
            "charges_url": reverse("payments_ui:charges"),
            "payments_url": reverse("payments_ui:payments"),
        }
        # Not the request's context processors: a host's may ask the database, and the
        # number of queries of a widget is promised.
        return render(self.request, template_name, partial, {**shared, **context})


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list whose length stays uncounted, and whether another page follows."""

    rows: Sequence[Row]
    number: int
    has_next: bool

    @classmethod
    def of(cls, rows: Sequence[Row], number: int, limit: int) -> Self:
        """From ``limit + 1`` rows, of which the last only says that more follow."""
        return cls(rows[:limit], number, len(rows) > limit)

    @property
    def previous(self) -> int:
        """Number of the page before."""
        return self.number - 1

    @property
    def next(self) -> int:
        """Number of the page after."""
        return self.number + 1


def render(
    request: HttpRequest, template_name: str, partial: str, context: dict[str, Any]
) -> SafeString:
    """Render a template, or one named partial of it, with CSRF token and request."""
    context = {
        "request": request,
        "csrf_token": SimpleLazyObject(lambda: PageState.of(request).csrf_token(request)),
        **context,
    }
    if partial and django.VERSION < (6, 0):
        # Without django-template-partials' loader, which the host need not have installed.
        template: Any = get_template(template_name).template  # type: ignore[attr-defined]
        full = make_context(context, autoescape=template.engine.autoescape)
        with full.bind_template(template):
            return SafeString(template.extra_data["partials"][partial].render(full))
    name = f"{template_name}#{partial}" if partial else template_name
    return SafeString(get_template(name).render(context))
