"""What every component is: one small class, one template, one root that is never swapped."""

from __future__ import annotations

import functools
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, cast

import django
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template import Template
from django.template.context import make_context
from django.template.loader import get_template
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString

from payments_ui.conf import settings as pui

from . import heartbeat
from .assets import nonce_of
from .widget import Page, Widget

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.utils.functional import _StrPromise


class Component(ABC):
    """A widget of one kind, for one request. Reads only; a constant number of queries.

    ``render()`` gives the root with its body, for a page; ``render_body()`` the body
    alone, for a fragment.
    """

    #: Names the CSS class ``pui-<name>``.
    name: ClassVar[str]
    #: The heading where the tag gives none.
    title: ClassVar[_StrPromise | str] = ""
    #: The root's template.
    template_name: ClassVar[str] = "payments_ui/components/root.html"
    #: Where it can be loaded again.
    url_name: ClassVar[str] = "payments_ui:charges"
    #: Which list a payment's steps return to; it travels with the fragments.
    kind: ClassVar[str] = "charges"
    #: Parameters its tag takes.
    accepts: ClassVar[frozenset[str]] = frozenset({"id", "title", "heading", "anonymous"})

    def __init__(self, request: HttpRequest, widget: Widget) -> None:
        self.request = request
        self.widget = widget
        #: When reading began. A background answer never replaces a body read later.
        self.version = time.time_ns() // 1_000_000
        if widget.live and self.user.pk is not None:
            heartbeat.seen(request)

    @property
    def user(self) -> AbstractBaseUser:
        """Whose charges these are: the request's user, and nobody else's."""
        # A visitor has no primary key, and so no charges.
        return cast("AbstractBaseUser", getattr(self.request, "user", None) or AnonymousUser())

    @abstractmethod
    def get_body_template_name(self) -> str:
        """The body's template."""

    @abstractmethod
    def get_context_data(self) -> dict[str, Any]:
        """What the template of the body is given."""

    def render(self) -> SafeString:
        """The root: heading, live region and body. Visitors see ``anonymous`` or nothing."""
        if self.user.pk is not None:
            return self._render(self.template_name, **self.get_root_data())
        if self.widget.anonymous:
            return self._render("payments_ui/components/anonymous.html")
        return SafeString("")

    def render_body(self) -> SafeString:
        """The body element alone, which is the one main swap target."""
        return self._render(self.get_body_template_name(), **self.get_context_data())

    def get_root_data(self) -> dict[str, Any]:
        """What the template of the root is given; the heartbeat is the page's first."""
        page = Page.of(self.request)
        needs_heartbeat = self.widget.live and page.claim_heartbeat()
        return {
            **self.get_context_data(),
            # Asked by the templates of landmarks only: a badge takes no name away from them.
            "is_landmark": functools.partial(page.claim_name, str(self.widget.title or self.title)),
            "body_template": self.get_body_template_name(),
            "heartbeat": heartbeat.render(self.request, self.widget) if needs_heartbeat else "",
            "hx_nonce": nonce_of(self.request) if pui.HX_NONCE else None,
        }

    def _render(self, template_name: str, partial: str = "", **context: Any) -> SafeString:
        # Not the request's context processors: a host's may ask the database, and the
        # number of queries of a widget is promised.
        return render(self.request, template_name, partial, {**self._shared(), **context})

    def _shared(self) -> dict[str, Any]:
        return {
            "component": self,
            "widget": self.widget,
            "version": self.version,
            "title": self.widget.title or self.title,
            # Not {% url … as … %}, which is silent where the host forgot the kit's URLs.
            "charges_url": reverse("payments_ui:charges"),
            "payments_url": reverse("payments_ui:payments"),
        }


def render(
    request: HttpRequest, template_name: str, partial: str, context: dict[str, Any]
) -> SafeString:
    """Render a template, or one named partial of it, with CSRF token and request."""
    context = {
        "request": request,
        "csrf_token": SimpleLazyObject(lambda: get_token(request)),
        **context,
    }
    if partial and django.VERSION >= (6, 0):
        template_name = f"{template_name}#{partial}"
    template: Any = get_template(template_name)
    if partial and django.VERSION < (6, 0):
        return _render_partial(template.template, partial, context)
    return SafeString(template.render(context))


def _render_partial(template: Template, partial: str, context: dict[str, Any]) -> SafeString:
    # Without django-template-partials' loader, which the host need not have installed.
    proxy = template.extra_data["partials"][partial]
    full = make_context(context, autoescape=template.engine.autoescape)
    with full.bind_template(template):
        return SafeString(proxy.render(full))
