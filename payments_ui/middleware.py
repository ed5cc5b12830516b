"""Protection around the views of django-mooch's moochers, wherever the host mounts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseForbidden
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_protect

from payments_ui import flows, http
from payments_ui.core.models import Payment
from payments_ui.exceptions import PaymentStateError, PaymentsUIError, WebhookSignatureError
from payments_ui.moochers.foreign import Foreign
from payments_ui.moochers.registry import wrapper_of
from payments_ui.views import access, answers, moochers

Call = Callable[[], HttpResponseBase]


class PaymentsUIMiddleware:
    """Runs views that belong to a listed moocher of django-mooch behind the kit's checks.

    Owner, CSRF, one open attempt, amount and currency, and one charge. Needed only where
    such a moocher is listed; a system check says so. Goes behind Django's session, CSRF
    and authentication middleware.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """Take over where the view is a method of a listed moocher."""
        method = _method(view)
        moocher = method and wrapper_of(method.__self__)
        if method is None or moocher is None:
            return None

        def call() -> HttpResponseBase:
            return view(request, *args, **kwargs)

        if method.__name__ in moocher.callbacks:
            return _call_back(request, moocher, call)
        return _submit(request, moocher, call) if request.method == "POST" else None


def _method(view: Any) -> Any:
    """The bound method behind a view's decorators, or ``None``."""
    while view is not None and not hasattr(view, "__self__"):
        view = getattr(view, "__wrapped__", None)
    return view


def _submit(request: HttpRequest, moocher: Foreign, call: Call) -> HttpResponseBase:
    @access.for_user
    def guarded(request: HttpRequest) -> HttpResponseBase:
        return _pay(request, moocher, call)

    if http.is_same_origin(request):
        return guarded(request)
    # Its scripts post without a token; then the browser has to vouch for the origin.
    return csrf_protect(guarded)(request)


def _pay(request: HttpRequest, moocher: Foreign, call: Call) -> HttpResponseBase:
    payment = access.payment_of(request, _id(request.POST.get("id", "")))
    try:
        attempt = flows.submit(request, payment, moocher, call)
    except PaymentStateError as error:
        return answers.show_refusal(request, access.payment_of(request, payment.pk), error)
    except PaymentsUIError as error:
        return answers.show_refusal(request, payment, error)
    return moochers.outcome(request, attempt, moocher)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _call_back(request: HttpRequest, moocher: Foreign, call: Call) -> HttpResponseBase:
    try:
        payment = flows.call_back(request, moocher, call)
    except WebhookSignatureError:
        return HttpResponseForbidden()
    if request.method == "POST":
        return HttpResponse("OK", content_type="text/plain")
    return _back_in_the_browser(request, moocher, payment)


def _back_in_the_browser(
    request: HttpRequest, moocher: Foreign, payment: Payment | None
) -> HttpResponseBase:
    if payment is not None and request.user.pk == payment.user_id:
        return answers.see_other(payment)
    charged = payment is not None and payment.charged_at is not None
    return redirect(str(moocher.success_url if charged else moocher.failure_url))
