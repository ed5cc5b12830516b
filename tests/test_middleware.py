"""Pages with a widget are for their visitor alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.test import Client
from django.urls import include, path
from django.views.decorators.cache import cache_page
from pytest_django import Settings

from tests.conftest import UserFactory

PRIVATE = "payments_ui.middleware.PrivatePagesMiddleware"
STORES = "django.middleware.cache.UpdateCacheMiddleware"
FETCHES = "django.middleware.cache.FetchFromCacheMiddleware"
answered: Counter[str] = Counter()


def page(source: str) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view of a page that has no form."""

    def view(request: HttpRequest) -> HttpResponse:
        answered[request.path] += 1
        template = Template("{% load payments_ui %}" + source)
        return HttpResponse(template.render(RequestContext(request, {})))

    return view


BADGE = page("{% charges_badge %}")
urlpatterns = [
    path("", include("payments_ui.urls")),
    path("badge/", BADGE),
    path("history/", page("{% payment_history %}")),
    path("decorated/", cache_page(60)(BADGE)),
    path("plain/", page("nothing of ours")),
]


@pytest.fixture
def site(settings: Settings) -> Iterator[Settings]:
    """Store every page that may be stored."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [STORES, *settings.MIDDLEWARE, FETCHES]
    cache.clear()
    answered.clear()
    yield settings
    cache.clear()


def look_twice(client: Client, place: str) -> HttpResponse:
    client.get(place)
    return client.get(place)  # type: ignore[return-value]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("place", ["/badge/", "/history/", "/decorated/"])
def test_a_page_with_a_widget_is_not_stored_by_djangos_caches(
    client: Client, make_user: UserFactory, place: str
) -> None:
    look_twice(client, place)
    assert answered[place] == 2
    client.force_login(make_user())
    look_twice(client, place)
    assert answered[place] == 4


@pytest.mark.django_db
@pytest.mark.usefixtures("site")
def test_a_page_without_one_is_stored_as_ever(client: Client) -> None:
    look_twice(client, "/plain/")
    assert answered["/plain/"] == 1


@pytest.mark.parametrize(("place", "is_private"), [("/badge/", True), ("/plain/", False)])
def test_other_caches_are_told(
    client: Client, user: object, site: Settings, place: str, is_private: bool
) -> None:
    assert PRIVATE in site.MIDDLEWARE
    told = look_twice(client, place).headers.get("Cache-Control", "")
    assert ("private" in told) is is_private
