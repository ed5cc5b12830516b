"""What the kit knows of HTTP: who asks, and which headers a per-user answer carries."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

#: On every answer of the kit. The script swaps nothing that lacks it: no login page, no
#: proxy's error page.
HANDSHAKE = "X-Payments-UI"
CHANGED = "payments:changed"


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a piece of a page.

    Boosted navigation and history restoring want the whole page. htmx 2 and 4 agree on
    these headers only. Works without django-htmx's middleware.
    """
    htmx = HtmxDetails(request)
    return bool(htmx) and not (htmx.boosted or htmx.history_restore_request)


def is_background(request: HttpRequest) -> bool:
    """Whether a refresher asks, and not the user: then the focus stays where it is."""
    return is_fragment(request) and request.method == "GET" and "news" in request.GET


def private(view: View[P]) -> View[P]:
    """No cache keeps the answer, and no other page frames it."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        patch_vary_headers(response, ("HX-Request", "Cookie"))
        response[HANDSHAKE] = "1"
        response["X-Frame-Options"] = "DENY"
        response["Referrer-Policy"] = "same-origin"
        return response

    return wrapper


def leave(url: str) -> HttpResponse:
    """204 that makes htmx go to another page. A 303 to another origin is a dead button."""
    response = HttpResponse(status=204)
    response["HX-Redirect"] = url
    return response


def host_page(request: HttpRequest) -> str:
    """Path of the page the widget sits on, if it is one of ours, else empty."""
    url = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    allowed = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if allowed else ""


def is_same_origin(request: HttpRequest) -> bool:
    """Whether the browser vouches that a page of this origin sent the request.

    By ``Sec-Fetch-Site`` (W3C Fetch Metadata), which scripts cannot set.
    """
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


__all__ = [
    "CHANGED",
    "HANDSHAKE",
    "host_page",
    "is_background",
    "is_fragment",
    "is_same_origin",
    "leave",
    "private",
]
