"""The views of django-mooch's moochers, behind the kit's checks."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseForbidden
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_protect

from payments_ui import http
from payments_ui.core.models import Payment
from payments_ui.exceptions import PaymentsUIError, WebhookSignatureError
from payments_ui.mooch import callbacks
from payments_ui.mooch.moocher import Foreign
from payments_ui.views import access, moochers, responses

Call = Callable[[], HttpResponseBase]


def submit(request: HttpRequest, moocher: Foreign, call: Call) -> HttpResponseBase:
    """Its form was posted: owner, CSRF, amount, one attempt; then its view runs."""

    @access.for_user
    def guarded(request: HttpRequest) -> HttpResponseBase:
        payment = access.payment_of(request, _id(request.POST.get("id", "")))
        try:
            attempt = callbacks.submit(request, payment, moocher, call)
        except PaymentsUIError as error:
            return moochers.not_paid(request, payment, moocher, error)
        return moochers.outcome(request, attempt)

    if http.is_same_origin(request):
        return guarded(request)
    # Its scripts post without a token; then the browser has to vouch for the origin.
    return csrf_protect(guarded)(request)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


@access.for_anybody
def call_back(request: HttpRequest, moocher: Foreign) -> HttpResponseBase:
    """A PSP reports, or its customer comes back with what it reports."""
    try:
        payment = callbacks.call_back(request, moocher)
    except WebhookSignatureError:
        return HttpResponseForbidden()
    if request.method == "POST":
        return HttpResponse("OK", content_type="text/plain")
    return _back_in_the_browser(request, moocher, payment)


def _back_in_the_browser(
    request: HttpRequest, moocher: Foreign, payment: Payment | None
) -> HttpResponseBase:
    if payment is not None and request.user.pk == payment.user_id:
        return responses.see_other(payment)
    charged = payment is not None and payment.charged_at is not None
    return redirect(str(moocher.success_url if charged else moocher.failure_url))
