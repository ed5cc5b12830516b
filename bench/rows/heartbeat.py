"""A heartbeat that finds nothing, beside views that do next to nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from html import unescape

from django.conf import settings
from django.contrib.auth.models import User
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client, RequestFactory

from bench import data, database
from bench.contest import Contestant, Row
from bench.results import Worth
from bench.sizes import Size
from payments_ui.conf import settings as pui
from payments_ui.core.models import LineItem

_FEW = 100


def empty_view(request: HttpRequest) -> HttpResponse:
    """Asks nothing: what is left is Django."""
    return HttpResponse(status=204)


def session_view(request: HttpRequest) -> HttpResponse:
    """Reads session and user, and nothing else."""
    return HttpResponse(status=204 if request.user.is_authenticated else 401)


def page_view(request: HttpRequest) -> HttpResponse:
    """A page that asks for news."""
    template = engines["django"].from_string(
        "{% load payments_ui %}{% pending_charges live=True %}"
    )
    return HttpResponse(template.render({}, request))


class Heartbeat:
    """Requests of one user, in their session, through all middleware and without a test client."""

    def __init__(self, user: User) -> None:
        client = Client()
        client.force_login(user)
        page = client.get("/page/").content.decode()
        element = re.search(r'<[^>]*id="pui-heartbeat"[^>]*>', page)
        asked = element and re.search(r'hx-get="([^"]+)"', element.group())
        assert asked is not None, page
        self._url = unescape(asked.group(1))
        name = settings.SESSION_COOKIE_NAME
        self._cookie = f"{name}={client.cookies[name].value}"
        self._handler = BaseHandler()
        self._handler.load_middleware()

    def ask(self, path: str = "") -> None:
        """Ask whether there is news, or another path, which answers that there is none."""
        request = RequestFactory().get(
            path or self._url, HTTP_COOKIE=self._cookie, HTTP_HX_REQUEST="true"
        )
        response = self._handler.get_response(request)
        assert response.status_code == 204, f"{path} answered {response.status_code}"


def rows(size: Size) -> Iterator[Row]:
    """The rows about the heartbeat."""
    for key, items in {"heartbeat": _FEW, "heartbeat-many": size.many}.items():
        heartbeat = Heartbeat(data.user_with(items))
        database.tidy(LineItem, analyze=True)
        yield Row(
            key=key,
            title=f"a heartbeat that finds nothing, {items:,} line items",
            kit=Contestant("kit", heartbeat.ask),
            anchors=[
                Contestant("a view without database", partial(heartbeat.ask, "/empty/")),
                Contestant("a view with session and user", partial(heartbeat.ask, "/session/")),
            ],
            times=4,
            worth=Worth(f"watchers, one heartbeat in {pui.LIVE_INTERVAL} s", pui.LIVE_INTERVAL),
        )
