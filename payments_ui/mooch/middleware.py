"""Protection around the views of django-mooch's moochers, wherever the host mounts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from payments_ui.mooch import views
from payments_ui.mooch.moocher import Foreign
from payments_ui.moochers.registry import moochers


class PaymentsUIMiddleware:
    """Runs views that belong to a listed moocher of django-mooch behind the kit's checks.

    Owner, CSRF, one open attempt, amount and currency, and one charge. Needed only where
    such a moocher is listed; a system check says so. Goes behind Django's session, CSRF
    and authentication middleware, and before ``LoginRequiredMiddleware``.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; the work is done once its view is known."""
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """Take over where the view is a method of a listed moocher."""
        method = method_behind(view)
        moocher = method and wrapper_of(method.__self__)
        if method is None or moocher is None:
            return None
        if method.__name__ in moocher.callbacks:
            return views.call_back(request, moocher)
        if request.method != "POST":
            return None
        return views.submit(request, moocher, lambda: view(request, *args, **kwargs))


def wrapper_of(inner: object) -> Foreign | None:
    """The wrapper of a listed moocher of django-mooch, found by the object itself."""
    wrappers = (moocher for moocher in moochers().values() if isinstance(moocher, Foreign))
    return next((wrapper for wrapper in wrappers if wrapper.inner is inner), None)


def method_behind(view: Any) -> Any:
    """The bound method behind a view's decorators and partials, or ``None``."""
    while view is not None and not hasattr(view, "__self__"):
        view = getattr(view, "__wrapped__", None) or getattr(view, "func", None)
    return view
