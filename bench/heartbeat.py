"""A heartbeat that finds nothing, beside a bare view with one indexed query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from django.conf import settings
from django.contrib.auth.models import User
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from bench import data, database, table
from bench.table import Row
from bench.timing import Race, timed
from payments_ui.core import queries
from payments_ui.core.models import LineItem

ITEMS, QUICK_ITEMS = 10_000, 100
REPEATS, QUICK_REPEATS = 500, 3

#: Beyond those for session and user.
MOST_QUERIES = 2
#: At most so many times the time of the bare view.
BESIDE_BARE = 1.5


def bare_view(request: HttpRequest) -> HttpResponse:
    """The least that a view can do to say whether a signed-in user has something new."""
    user = request.user
    if user.is_authenticated:
        newest = LineItem.objects.filter(user=user.pk).order_by("-id").values_list("id").first()
        assert newest
    return HttpResponse(status=204)


def session_view(request: HttpRequest) -> HttpResponse:
    """Reads session and user, and nothing else."""
    return HttpResponse(status=204 if request.user.is_authenticated else 401)


def rows(quick: bool) -> Iterator[Row]:
    """The promises about the heartbeat."""
    user = data.user_with(QUICK_ITEMS if quick else ITEMS)
    database.tidy(LineItem, analyze=True)
    ask = _asker(user)
    heartbeat = partial(ask, f"/heartbeat/?v={queries.version(user)}")
    bare = partial(ask, "/bare/")
    asked, base = (database.queries(each) for each in (heartbeat, partial(ask, "/session/")))
    yield table.number("heartbeat: queries beyond session and user", asked - base, MOST_QUERIES, 1)
    race = Race(
        [partial(timed, each) for each in (heartbeat, bare)], QUICK_REPEATS if quick else REPEATS
    )
    name = "heartbeat that finds nothing: beside a bare view"
    yield table.duration(name, race.seconds(0), race.seconds(1), race.ratio(0, 1), BESIDE_BARE)


def _asker(user: User) -> Callable[[str], None]:
    """Sends a request with the user's session through all middleware, without a test client."""
    client = Client()
    client.force_login(user)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    handler = BaseHandler()
    handler.load_middleware()

    def ask(path: str) -> None:
        response = handler.get_response(RequestFactory().get(path, HTTP_COOKIE=cookie))
        assert response.status_code == 204, f"{path} answered {response.status_code}"

    return ask
