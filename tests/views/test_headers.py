from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from payments_ui.core.models import Payment
from tests.fixtures import MakeShopper
from tests.shopping import IN_PLACE, Shopper, dom, url
from tests.views.test_access import METHODS, OWNER, path_of


def assert_private(response: Any) -> None:
    control = {part.strip() for part in response["Cache-Control"].split(",")}
    assert {"private", "no-store"} <= control
    assert {"HX-Request", "Cookie"} <= {part.strip() for part in response["Vary"].split(",")}
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("name", sorted(OWNER))
@pytest.mark.parametrize("headers", [{}, IN_PLACE], ids=["plain", "htmx"])
def test_no_answer_is_kept_or_framed(shopper: Shopper, name: str, headers: dict[str, str]) -> None:
    payment = shopper.begin("5.00")
    for browser in (shopper.client, Client()):
        for method in METHODS:
            response = browser.generic(method, path_of(name, payment), headers=headers)
            assert_private(response)
            # An error page of the host's is never swapped in.
            assert ("X-Payments-UI" in response) is (response.status_code != 404)


def test_a_payment_that_is_gone_is_not_kept_by_caches(any_shopper: Shopper) -> None:
    payment = any_shopper.begin("5.00")
    any_shopper.post(url("cancellation", payment))
    assert_private(any_shopper.get(url("payment", payment)))


CACHE = "django.middleware.cache."


def test_a_cache_never_shows_one_user_what_another_owes(
    make_shopper: MakeShopper, settings: Settings
) -> None:
    settings.MIDDLEWARE = [
        f"{CACHE}UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        f"{CACHE}FetchFromCacheMiddleware",
    ]
    ada, bob = make_shopper(js=True), make_shopper(js=True)
    ada.owe("5.00", title="Ada's secret")
    bob.owe("7.00", title="Bob's")
    for _again in range(2):
        assert "Ada's secret" in dom(ada.get(url("charges"))).text
        assert "Ada's secret" not in dom(bob.get(url("charges"))).text
    ada.js = False
    assert dom(ada.get(url("charges"))).one("html")


def test_in_place_everything_is_200_or_204(js_shopper: Shopper) -> None:
    payment = js_shopper.begin("5.00")
    js_shopper.owe("1.00")
    statuses = {
        js_shopper.get(url("charges")).status_code,
        js_shopper.get(url("heartbeat")).status_code,
        js_shopper.get(url("payment", payment)).status_code,
        js_shopper.post(url("payments")).status_code,
        js_shopper.post(url("lineitems", payment)).status_code,
        # Gone by now, as it was renewed.
        js_shopper.post(url("cancellation", payment)).status_code,
        js_shopper.post(url("moocher", payment, "cards")).status_code,
        js_shopper.post(url("attempt_cancellation", Payment.objects.get())).status_code,
    }
    assert statuses <= {200, 204}
