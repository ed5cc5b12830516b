"""A heartbeat that needs no session: what its token spares, and what ends it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser, User, UserManager
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import models
from django.http import HttpRequest, HttpResponseBase
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from payments_ui.components import heartbeat_token
from payments_ui.core import queries
from payments_ui.core.models import LineItem
from tests.dom import parse
from tests.fixtures import MakeShopper
from tests.shopping import IN_PLACE, Shopper, dom, url

ENGINES = ("db", "cached_db", "cache")
HOUR = 3600
LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, settings: Settings, psp: Any) -> str:
    """Let sessions be kept in each of the ways in which a token can hold."""
    name: str = request.param
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    return name


@pytest.fixture
def watcher(engine: str, make_shopper: MakeShopper) -> Shopper:
    """Return a customer who owes something, and looks at a live page."""
    shopper = make_shopper(js=True)
    shopper.owe("5.00")
    return shopper


@pytest.fixture
def _own_way() -> Iterator[None]:
    """Let a site decide in a way of its own who is signed in; what was found out is forgotten."""
    heartbeat_token._is_djangos_way.cache_clear()
    yield
    heartbeat_token._is_djangos_way.cache_clear()


@pytest.fixture
def _nobody_else_asks(settings: Settings) -> None:
    """Leave out Django's middleware that looks at the user before it looks at the view."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != LOGIN]


def beat_of(shopper: Shopper) -> str:
    """Return the URL that a live page of theirs asks."""
    page = shopper.client.get(url("charges"), {"w-live": "1", "w": "pui-1"}, headers=IN_PLACE)
    return beat_in(page)


def beat_in(response: HttpResponseBase) -> str:
    found: str = dom(response).one(id="pui-heartbeat").attrs["hx-get"]
    return found


def token_in(beat: str) -> str:
    return parse_qs(beat.partition("?")[2]).get("token", [""])[0]


def changed(beat: str, **query: str) -> str:
    path, _, known = beat.partition("?")
    return f"{path}?{urlencode({**parse_qs(known), **query}, doseq=True)}"


def thief_of(client: Client) -> Client:
    """Return a browser that has each of this one's cookies, also those that it gives up later."""
    thief = Client()
    for name, morsel in client.cookies.items():
        thief.cookies[name] = morsel.value
    return thief


def ask(client: Client, beat: str, **headers: str) -> Any:
    return client.get(beat, headers={**IN_PLACE, **headers})


def is_signed_out(response: HttpResponseBase) -> bool:
    shown = dom(response)
    beat = shown.one(id="pui-heartbeat")
    return "hx-get" not in beat.attrs and "signed out" in shown.text


@pytest.mark.usefixtures("_nobody_else_asks")
def test_nothing_new_is_one_statement_without_session_and_user(
    watcher: Shopper, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    beat = beat_of(watcher)
    with django_assert_num_queries(1) as asked:
        response = ask(watcher.client, beat)
    assert (response.status_code, response.content) == (204, b"")
    assert "HX-Trigger" not in response
    assert not response.cookies
    assert "session_data" not in asked[0]["sql"]


@pytest.mark.usefixtures("_nobody_else_asks")
def test_it_is_one_statement_for_many_items_as_for_one(
    watcher: Shopper, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    watcher.owe(*["1.00"] * 120)
    beat = beat_of(watcher)
    with django_assert_num_queries(1):
        assert ask(watcher.client, beat).status_code == 204


@pytest.mark.parametrize("news", ["use", "price", "deletion", "payment"])
def test_whatever_is_new_refreshes_every_widget_once(watcher: Shopper, news: str) -> None:
    (item,) = LineItem.objects.filter(user=watcher.user)
    beat = beat_of(watcher)
    if news == "use":
        watcher.owe("1.00")
    elif news == "price":
        item.amount = 6
        item.save()
    elif news == "deletion":
        item.delete()
    else:
        watcher.post(url("payments"))
    response = ask(watcher.client, beat)
    assert response["HX-Trigger"] == "payments:changed"
    assert ask(watcher.client, beat_in(response)).status_code == 204


def test_other_users_news_are_no_news(watcher: Shopper, make_shopper: MakeShopper) -> None:
    beat = beat_of(watcher)
    make_shopper().owe("7.00")
    assert ask(watcher.client, beat).status_code == 204


def test_signing_out_ends_it_even_with_the_cookies_of_before(watcher: Shopper) -> None:
    beat = beat_of(watcher)
    thief = thief_of(watcher.client)
    assert ask(thief, beat).status_code == 204
    watcher.client.logout()
    for client in (watcher.client, thief):
        assert is_signed_out(ask(client, beat))


def test_a_new_password_ends_it(watcher: Shopper) -> None:
    beat = beat_of(watcher)
    watcher.user.set_password("another")
    watcher.user.save()
    assert is_signed_out(ask(watcher.client, beat))


@pytest.mark.parametrize("gone", ["deactivated", "deleted", "expired"])
def test_it_ends_with_its_user_and_its_session(
    watcher: Shopper, engine: str, make_shopper: MakeShopper, gone: str
) -> None:
    shopper = watcher if gone != "deleted" else make_shopper(js=True)
    beat = beat_of(shopper)
    assert ask(shopper.client, beat).status_code == 204
    if gone == "deactivated":
        User.objects.filter(pk=shopper.user.pk).update(is_active=False)
    elif gone == "deleted":
        shopper.user.delete()
    else:
        cache.clear()
        Session.objects.update(expire_date=timezone.now() - dt.timedelta(seconds=1))
    assert is_signed_out(ask(shopper.client, beat))


def test_the_url_alone_is_worth_nothing(watcher: Shopper) -> None:
    assert is_signed_out(ask(Client(), beat_of(watcher)))
    assert is_signed_out(ask(Client(headers={"cookie": "sessionid="}), beat_of(watcher)))


def test_another_user_learns_nothing_by_it(watcher: Shopper, make_shopper: MakeShopper) -> None:
    beat, other = beat_of(watcher), make_shopper(js=True)
    response = ask(other.client, beat)
    assert response["HX-Trigger"] == "payments:changed"
    assert f"v={queries.version(other.user)}" in beat_in(response)
    # Neither with one's own version beside another's token.
    response = ask(other.client, changed(beat, v=queries.version(other.user)))
    assert token_in(beat_in(response)) not in ("", token_in(beat))


def test_who_signs_in_as_somebody_else_is_asked_anew(
    watcher: Shopper, make_shopper: MakeShopper
) -> None:
    beat, other = beat_of(watcher), make_shopper().user
    watcher.client.force_login(other)
    assert f"v={queries.version(other)}" in beat_in(ask(watcher.client, beat))


@pytest.mark.usefixtures("_nobody_else_asks")
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_is_refused_before_anything_is_read(
    watcher: Shopper, site: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    beat = beat_of(watcher)
    with django_assert_num_queries(0):
        response = ask(watcher.client, beat, **{"Sec-Fetch-Site": site})
    assert (response.status_code, response.content) == (403, b"")


@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_no_other_site_may_read_or_embed_the_answer(watcher: Shopper, site: str | None) -> None:
    headers = {"Origin": "https://elsewhere.example"}
    headers |= {"Sec-Fetch-Site": site} if site else {}
    response = ask(watcher.client, beat_of(watcher), **headers)
    assert response.status_code == 204
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not [name for name in response.headers if name.startswith("Access-Control-")]
    assert response["Cache-Control"] == "private, no-store"
    assert {"Cookie", "HX-Request"} <= set(response["Vary"].split(", "))


def test_after_an_hour_the_page_gets_a_new_one_and_no_widget_refreshes(
    watcher: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat, now = beat_of(watcher), time.time()
    monkeypatch.setattr("payments_ui.components.heartbeat_token.time.time", lambda: now + HOUR)
    assert not holds(watcher.client, beat)
    response = ask(watcher.client, beat)
    assert response.status_code == 200
    assert "HX-Trigger" not in response
    renewed = beat_in(response)
    assert token_in(renewed) not in ("", token_in(beat))
    assert holds(watcher.client, renewed)


def test_what_was_issued_at_once_does_not_expire_at_once(watcher: Shopper) -> None:
    now = time.time()
    ends = {int(token_in(beat_of(watcher)).split(".")[1]) for _page in range(20)}
    assert len(ends) > 10
    assert all(now + HOUR * 3 / 4 - 2 < end < now + HOUR + 60 for end in ends)


def test_no_character_of_it_can_be_changed(watcher: Shopper) -> None:
    beat = beat_of(watcher)
    token = token_in(beat)
    assert holds(watcher.client, beat)
    for at, letter in enumerate(token):
        other = "1" if letter != "1" else "2"
        forged = f"{token[:at]}{other}{token[at + 1 :]}"
        assert not holds(watcher.client, changed(beat, token=forged)), forged
    for forged in ("", ":", "..:", token[:-1], f"{token}1", token.rpartition(":")[0]):
        assert not holds(watcher.client, changed(beat, token=forged)), forged


def test_it_is_for_one_version(watcher: Shopper) -> None:
    old = beat_of(watcher)
    watcher.owe("1.00")
    now = queries.version(watcher.user)
    assert not holds(watcher.client, changed(old, v=now))
    assert not holds(watcher.client, old)
    assert holds(watcher.client, beat_of(watcher))


def test_it_names_neither_the_session_nor_the_password(watcher: Shopper) -> None:
    watcher.user.refresh_from_db()
    beat = beat_of(watcher)
    assert watcher.user.password not in beat
    assert watcher.client.cookies["sessionid"].value not in beat
    # And no log tells by it that two sessions have one password.
    watcher.client.logout()
    watcher.client.force_login(watcher.user)
    first, second = (token_in(each).split(".")[0] for each in (beat, beat_of(watcher)))
    assert first != second


def test_a_new_secret_key_is_no_reason_to_ask_anew_while_the_old_one_counts(
    watcher: Shopper, settings: Settings
) -> None:
    beat, old = beat_of(watcher), settings.SECRET_KEY
    settings.SECRET_KEY = "a new one"
    assert not holds(watcher.client, beat)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert holds(watcher.client, beat)


def test_it_needs_nothing_of_a_site_that_asks_everybody_to_sign_in(
    watcher: Shopper, settings: Settings
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN]
    beat = beat_of(watcher)
    assert ask(watcher.client, beat).status_code == 204
    watcher.client.logout()
    assert is_signed_out(ask(watcher.client, beat))


def test_a_page_that_has_no_token_asks_as_ever(watcher: Shopper, settings: Settings) -> None:
    settings.PAYMENTS_UI |= {"PAYER": "tests.views.test_heartbeat_token.themselves"}
    beat = beat_of(watcher)
    assert token_in(beat) == ""
    assert ask(watcher.client, beat).status_code == 204
    watcher.owe("1.00")
    assert ask(watcher.client, beat)["HX-Trigger"] == "payments:changed"


def test_a_token_ends_where_a_payer_has_to_be_asked(watcher: Shopper, settings: Settings) -> None:
    beat = beat_of(watcher)
    settings.PAYMENTS_UI |= {"PAYER": "tests.views.test_heartbeat_token.themselves"}
    assert not holds(watcher.client, beat)
    renewed = beat_in(ask(watcher.client, beat))
    assert token_in(renewed) == ""


def themselves(request: HttpRequest) -> Any:
    return request.user


@pytest.mark.parametrize("name", ["signed_cookies", "file"])
def test_sessions_that_are_kept_otherwise_have_none(
    make_shopper: MakeShopper, settings: Settings, name: str, tmp_path: Any
) -> None:
    settings.SESSION_FILE_PATH = str(tmp_path)
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    shopper = make_shopper(js=True)
    beat = beat_of(shopper)
    assert token_in(beat) == ""
    assert ask(shopper.client, beat).status_code == 204


class OwnBackend(ModelBackend):
    """Lets in whom it likes."""

    def get_user(self, user_id: Any) -> Any:
        return super().get_user(user_id)


def by_another_backend(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.views.test_heartbeat_token.OwnBackend"]


def by_everybodys_backend(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]


def by_another_auth_hash(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    def own(user: AbstractBaseUser) -> str:
        return user._get_session_auth_hash()  # type: ignore[attr-defined, no-any-return]

    monkeypatch.setattr(User, "get_session_auth_hash", own)


def by_another_manager(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    def not_banned(manager: Any) -> Any:
        return models.Manager.get_queryset(manager).exclude(username="banned")

    monkeypatch.setattr(UserManager, "get_queryset", not_banned)


class Switch(models.BooleanField):  # type: ignore[type-arg]
    """Stores what it likes."""


def by_a_field_of_their_own(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(User._meta.get_field("is_active"), "__class__", Switch)


OWN_WAYS = [
    by_another_backend,
    by_everybodys_backend,
    by_another_auth_hash,
    by_another_manager,
    by_a_field_of_their_own,
]


@pytest.mark.usefixtures("_own_way")
@pytest.mark.parametrize("way", OWN_WAYS)
def test_who_decides_otherwise_who_is_signed_in_is_asked(
    make_shopper: MakeShopper,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[[pytest.MonkeyPatch, Settings], None],
) -> None:
    way(monkeypatch, settings)
    shopper = make_shopper(js=True)
    beat = beat_of(shopper)
    assert token_in(beat) == ""
    assert ask(shopper.client, beat).status_code == 204


class SessionsElsewhere:
    """Keeps sessions in another database."""

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str | None:
        return "elsewhere" if model is Session else None


def test_sessions_in_another_database_have_none(
    make_shopper: MakeShopper, settings: Settings
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    shopper = make_shopper(js=True)
    settings.DATABASE_ROUTERS = ["tests.views.test_heartbeat_token.SessionsElsewhere"]
    assert token_in(beat_of(shopper)) == ""


def request_of(client: Client, user: User) -> Any:
    """Return what a page of theirs is made for: signed in, with their session."""
    request: Any = HttpRequest()
    request.session, request.user = client.session, user
    return request


def holds(client: Client, beat: str) -> bool:
    request = request_of(client, User())
    request.GET = {name: value for name, (value,) in parse_qs(beat.partition("?")[2]).items()}
    return heartbeat_token.holds(request)


def test_whom_a_middleware_puts_in_the_users_place_has_none(
    watcher: Shopper, make_shopper: MakeShopper
) -> None:
    seen, other = queries.version(watcher.user), make_shopper().user
    assert heartbeat_token.issue(request_of(watcher.client, watcher.user), seen)
    assert heartbeat_token.issue(request_of(watcher.client, other), seen) == ""


def test_a_session_that_the_new_password_ends_has_none(watcher: Shopper) -> None:
    watcher.user.set_password("another")
    watcher.user.save()
    request = request_of(watcher.client, watcher.user)
    assert heartbeat_token.issue(request, queries.version(watcher.user)) == ""


def test_who_is_signed_in_without_a_session_has_none(watcher: Shopper) -> None:
    seen = queries.version(watcher.user)
    request = request_of(watcher.client, watcher.user)
    del request.session
    assert heartbeat_token.issue(request, seen) == ""
    assert heartbeat_token.issue(request_of(Client(), watcher.user), seen) == ""
    request = request_of(watcher.client, watcher.user)
    del request.session[BACKEND_SESSION_KEY]
    assert heartbeat_token.issue(request, seen) == ""


def test_the_element_says_its_token_once(watcher: Shopper) -> None:
    page = watcher.client.get(url("charges"), {"w-live": "1", "w": "pui-1"}, headers=IN_PLACE)
    token = token_in(beat_in(page))
    assert parse(page.content).one(id="pui-heartbeat").attrs["hx-swap-oob"] == "true"
    assert page.content.decode().count(urlencode({"token": token})) == 1
