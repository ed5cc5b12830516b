"""A cache between the site and its users never shows one what another owes."""

from __future__ import annotations

from itertools import product
from typing import Any

from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from payments_ui.testing.psp import SandboxPSP
from tests.fixtures import MakeShopper
from tests.reliability.frame import Trial, scenario
from tests.saving import saved
from tests.shopping import IN_PLACE, Shopper, attempt_of, url

from . import doors

CACHE = "django.middleware.cache."
SEES: tuple[dict[str, str], ...] = ({}, IN_PLACE, {**IN_PLACE, "HX-Boosted": "true"})


def cached(settings: Settings) -> None:
    """Put Django's cache around everything, and let it keep all it may for long."""
    cache.clear()
    settings.CACHE_MIDDLEWARE_SECONDS = 600
    settings.MIDDLEWARE = [
        f"{CACHE}UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        f"{CACHE}FetchFromCacheMiddleware",
    ]


def is_private(response: Any) -> bool:
    control = {part.strip() for part in response.get("Cache-Control", "").split(",")}
    vary = {part.strip() for part in response.get("Vary", "").split(",")}
    framed = response.get("X-Frame-Options"), response.get("Referrer-Policy")
    return (
        {"private", "no-store"} <= control
        and {"HX-Request", "Cookie"} <= vary
        and framed == ("DENY", "same-origin")
    )


@scenario(
    39,
    "Shared cache: two users",
    provoked="two users and a visitor read the same pages, fragments and boosted pages in turn, "
    "behind Django's cache middleware",
    promised="each sees their own, whole or in place as asked",
)
def test_a_cache_never_mixes_users(
    trial: Trial, make_shopper: MakeShopper, settings: Settings
) -> None:
    shoppers = {name: make_shopper(username=name) for name in ("ada", "bob")}
    cached(settings)
    for name, shopper in shoppers.items():
        shopper.client.force_login(shopper.user)
        shopper.owe("5.00", title=f"Secret of {name}")
    clients = {name: shopper.client for name, shopper in shoppers.items()} | {"nobody": Client()}
    paths = (url("charges"), url("payments"), url("heartbeat"))
    for _round, path, headers, name in product(range(2), paths, SEES, clients):
        trial.tried()
        response = clients[name].get(path, headers=headers)
        said = response.content.decode()
        told = f"{name} {path} {headers}"
        for other in {"ada", "bob"} - {name}:
            trial.check(f"Secret of {other}" not in said, f"{told} sees {other}'s")
        if path == url("charges") and name != "nobody":
            trial.check(f"Secret of {name}" in said, f"{told} does not see their own")
            is_page = "<html" in said
            trial.check(is_page is (headers != IN_PLACE), f"{told}: page or piece")


@scenario(
    39,
    "Shared cache: headers of every URL",
    provoked="every URL and method, plain and in place, for its owner, a stranger and a visitor, "
    "pending, charged and cancelled",
    promised="private, no-store, varies on Cookie and HX-Request, never framed",
)
def test_no_answer_may_be_kept(trial: Trial, make_shopper: MakeShopper, psp: SandboxPSP) -> None:
    owner = make_shopper()
    clients = {"owner": owner.client, "other": make_shopper().client, "nobody": Client()}
    methods = doors.METHODS if trial.full else ("GET", "POST")
    kept = saved(owner.user).pk
    for pk in payments(owner):
        for route, (name, client), method, headers in product(
            doors.OWNER, clients.items(), methods, SEES[:2]
        ):
            trial.tried()
            path = doors.path_of(route, pk, method=kept)
            response = client.generic(method, path, headers=headers)
            told = f"{name} {method} {route} {headers}: {response.status_code}"
            trial.check(is_private(response), told)
            # An error page of the host's is never swapped in.
            is_ours = response.status_code != 404
            trial.check(("X-Payments-UI" in response) is is_ours, f"{told}: handshake")


def payments(owner: Shopper) -> list[Any]:
    """Ids of a payment in each state."""
    charged = owner.begin("5.00")
    owner.pay(charged)
    assert attempt_of(charged).state == "settled"
    cancelled = owner.begin("6.00")
    owner.post(url("cancellation", cancelled))
    return [charged.pk, cancelled.pk, owner.begin("7.00").pk]
