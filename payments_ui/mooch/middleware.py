"""Protection around the views of django-mooch's moochers, wherever the site mounts them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from payments_ui.mooch import pay, views
from payments_ui.mooch.moocher import MoochWrapper
from payments_ui.moochers.registry import moochers


class MoochMiddleware:
    """Runs views that belong to a listed moocher of django-mooch behind the kit's checks.

    Owner, CSRF, one open attempt, amount and currency, and one charge. Only sites that list
    such a moocher need it; a system check says so. Goes behind Django's session, CSRF and
    authentication middleware, and before ``LoginRequiredMiddleware``.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; afterwards look where a returning browser is sent."""
        response = self.get_response(request)
        if request.method == "GET" and request.resolver_match is not None:
            method = method_behind(request.resolver_match.func)
            moocher = method and wrapper_of(method.__self__)
            if moocher is not None:
                pay.come_back(request, moocher, response)
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> HttpResponseBase | None:
        """Take over where the view is a method of a listed moocher."""
        method = method_behind(view)
        moocher = method and wrapper_of(method.__self__)
        if method is None or moocher is None:
            return None
        if method.__name__ in moocher.callback_views:
            return views.call_back(request, moocher)
        if request.method != "POST":
            return None
        return views.pay(request, moocher, partial(view, request, *args, **kwargs))


def method_behind(view: Any) -> MethodType | None:
    """The bound method behind a view's decorators and partials, or ``None``."""
    while view is not None and not isinstance(view, MethodType):
        view = getattr(view, "__wrapped__", None) or getattr(view, "func", None)
    return view


def wrapper_of(inner: object) -> MoochWrapper | None:
    """The wrapper of a listed moocher of django-mooch, found by the site's own object."""
    wrappers = (moocher for moocher in moochers().values() if isinstance(moocher, MoochWrapper))
    return next((wrapper for wrapper in wrappers if wrapper.inner is inner), None)
