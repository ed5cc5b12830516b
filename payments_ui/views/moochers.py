"""Paying with a moocher, and coming back from its PSP."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from payments_ui import http
from payments_ui.conf import settings
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import PaymentStateError, PaymentsUIError
from payments_ui.flows import pay, tokens
from payments_ui.flows import return_from_psp as return_flow
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.registry import moochers
from payments_ui.payer import owns

from . import access, payment_options, responses


@access.for_user
@require_http_methods(["GET", "HEAD", "POST"])
def moocher(request: HttpRequest, pk: UUID, identifier: str) -> HttpResponse:
    """The moocher's form; POST pays with it."""
    found = access.payment_of(request, pk)
    chosen = moochers().get(identifier)
    if request.method != "POST" or chosen is None:
        return payment_options.show_moocher(request, found, identifier)
    if chosen.has_own_view:
        raise Http404  # its own view is the way in
    try:
        attempt = pay.pay(request, found, chosen, request.POST)
    except PaymentsUIError as error:
        return not_paid(request, found, chosen, error)
    return outcome(request, attempt)


def not_paid(
    request: HttpRequest, found: Payment, chosen: Moocher, error: PaymentsUIError
) -> HttpResponse:
    """Why the PSP was not asked: the step the payment is really at, or what to put right."""
    if isinstance(error, PaymentStateError):
        return payment_options.show_refusal(request, access.payment_of(request, found.pk), error)
    return payment_options.show_error(request, found, chosen, error)


def outcome(request: HttpRequest, attempt: Attempt) -> HttpResponse:
    """What became of an attempt: the next state of the widget, or of the page."""
    found = access.payment_of(request, attempt.payment_id)
    failed = attempt.state == Attempt.State.FAILED
    if not http.is_fragment(request):
        return responses.see_other(found, failed=attempt.reference if failed else "")
    if attempt.state == Attempt.State.REQUIRES_ACTION and attempt.action_url:
        return http.leave(attempt.action_url)
    component = responses.pending_charges(request, payment=found, focus=True)
    if failed and found.state == Payment.State.PENDING:
        payment_options.show_failure(component, found, attempt)
    return responses.show(request, component, changed=True)


@access.for_anybody
@require_safe
def return_from_psp(request: HttpRequest, pk: UUID, identifier: str) -> HttpResponse:
    """Where a PSP sends the browser. Believes no parameter: asks the PSP.

    Works without a session: then it shows the payment's state, and nothing about the person.
    """
    token = request.GET.get("attempt", "")
    try:
        attempt_id, page = tokens.ReturnToken.read(token)
    except signing.BadSignature as error:
        raise Http404 from error
    ours = Attempt.objects.select_related("payment__user").filter(payment=pk, moocher=identifier)
    attempt = return_flow.come_back(get_object_or_404(ours, pk=attempt_id), request)
    if owns(request, attempt.payment.user_id):
        failed = attempt.state == Attempt.State.FAILED
        reference = attempt.reference if failed else ""
        return responses.see_other(attempt.payment, failed=reference, back=token if page else "")
    context = {
        "payment": attempt.payment,
        "is_charged": attempt.state == Attempt.State.SETTLED,
        "is_not_charged": attempt.state in (Attempt.State.FAILED, Attempt.State.CANCELLED),
        "back_url": page,
        "base_template": settings.BASE_TEMPLATE,
        "title": _("Payment"),
    }
    return render(request, "payments_ui/pages/returned.html", context)
