"""What the kit knows of HTTP: who asks, and which headers a per-user answer carries."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.core.handlers.exception import response_for_exception
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django_htmx.middleware import HtmxDetails

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

#: On every answer that may be swapped in. The script swaps nothing that lacks it: no login
#: page, no error page of the host or a proxy.
HANDSHAKE = "X-Payments-UI"
#: Event that makes every widget of a page refresh once.
CHANGED = "payments:changed"
#: A longer path of a host's page is not carried through a PSP.
_LONGEST_PAGE = 300


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
    """No cache keeps the answer, no other page frames it, no error report has what was posted."""

    @sensitive_post_parameters()
    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
            response[HANDSHAKE] = "1"
        except Http404 as error:
            # Caches may keep a bare 404 on their own, and would hide a payment from its owner.
            response = response_for_exception(request, error)
        return _keep_private(response)

    return wrapper


def _keep_private(response: HttpResponseBase) -> HttpResponseBase:
    patch_cache_control(response, private=True, no_store=True)
    patch_vary_headers(response, ("HX-Request", "Cookie"))
    response["X-Frame-Options"] = "DENY"
    # Not as an image or a script of another site's page, either.
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def mark_private(request: HttpRequest) -> None:
    """Say that the page which answers this request shows a payer's charges.

    Django's cache middleware and ``cache_page`` do not store it; other caches are told so by
    ``PrivatePagesMiddleware``.
    """
    request._cache_update_cache = False  # type: ignore[attr-defined]
    request._payments_ui_is_private = True  # type: ignore[attr-defined]


def is_marked_private(request: HttpRequest) -> bool:
    """Whether a widget is on the page that answers this request."""
    return getattr(request, "_payments_ui_is_private", False)


def leave(url: str) -> HttpResponse:
    """204 that makes htmx go to another page. A 303 to another origin is a dead button."""
    response = HttpResponse(status=204)
    response["HX-Redirect"] = url
    return response


def host_page(request: HttpRequest) -> str:
    """Path of the page of this site that the widget sits on, else empty."""
    url = HtmxDetails(request).current_url or request.headers.get("Referer", "")
    if not is_of_site(request, url):
        return ""
    page = urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl()
    # The path alone may lead elsewhere: "http://site//elsewhere".
    return page if len(page) <= _LONGEST_PAGE and is_of_site(request, page) else ""


def is_of_site(request: HttpRequest, url: str) -> bool:
    """Whether a browser that is given this URL stays on this site."""
    return url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


def is_same_origin(request: HttpRequest) -> bool:
    """Whether the browser vouches that a page of this origin sent the request.

    By ``Sec-Fetch-Site`` (W3C Fetch Metadata), which scripts cannot set.
    """
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


def is_of_another_origin(request: HttpRequest) -> bool:
    """Whether the browser says that a page of another origin sent the request.

    A subdomain is another origin. Browsers before 2023 may say nothing.
    """
    # Not of ``request.headers``, which sorts out every header for one.
    return request.META.get("HTTP_SEC_FETCH_SITE") in ("same-site", "cross-site")
