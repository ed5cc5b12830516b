"""The views of django-mooch's moochers, behind the kit's checks."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseForbidden
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_protect

from payments_ui import http
from payments_ui.exceptions import PaymentsUIError, WebhookSignatureError
from payments_ui.mooch import callback
from payments_ui.mooch import pay as paying
from payments_ui.mooch.moocher import MoochWrapper
from payments_ui.payer import owns
from payments_ui.views import access, moochers, responses


def pay(request: HttpRequest, moocher: MoochWrapper, view: paying.View) -> HttpResponseBase:
    """The customer posts the moocher's form: owner, CSRF, amount, one attempt; then its view."""

    @access.for_user
    def guarded(request: HttpRequest) -> HttpResponseBase:
        try:
            pk = UUID(request.POST.get("id", ""))
        except ValueError:
            raise Http404 from None
        payment = access.payment_of(request, pk)
        try:
            attempt = paying.pay(request, payment, moocher, view)
        except PaymentsUIError as error:
            return moochers.not_paid(request, payment, moocher, error)
        return moochers.outcome(request, attempt)

    if http.is_same_origin(request):
        return guarded(request)
    # django-mooch's scripts post without a CSRF token: there the browser vouches for the origin.
    return csrf_protect(guarded)(request)


@access.for_anybody
def call_back(request: HttpRequest, moocher: MoochWrapper) -> HttpResponseBase:
    """A PSP reports, or its customer comes back with the report."""
    try:
        payment = callback.take(request, moocher)
    except WebhookSignatureError:
        return HttpResponseForbidden()
    if request.method == "POST":
        return HttpResponse("OK", content_type="text/plain")
    if payment is not None and owns(request, payment.user_id):
        return responses.see_other(payment)
    is_charged = payment is not None and payment.charged_at is not None
    return redirect(str(moocher.success_url if is_charged else moocher.failure_url))
