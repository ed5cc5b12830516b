"""Paying with a moocher, and coming back from its PSP."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from payments_ui import http
from payments_ui.components.steps.open_attempt import seconds_to_reload
from payments_ui.conf import settings
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import PaymentStateError, PaymentsUIError
from payments_ui.flows import pay, tokens
from payments_ui.flows import return_from_psp as return_flow
from payments_ui.moochers import form_refill
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.registry import moochers
from payments_ui.payer import owns

from . import access, payment_options, responses


@access.for_user_or_guest
@require_http_methods(["GET", "HEAD", "POST"])
def moocher(request: HttpRequest, pk: UUID, identifier: str) -> HttpResponse:
    """The moocher's form; POST pays with it."""
    found = access.payment_of(request, pk)
    chosen = moochers().get(identifier)
    if request.method != "POST" or chosen is None:
        return payment_options.show_option(request, found, identifier)
    if chosen.has_own_view:
        raise Http404  # its own view is the way in
    try:
        attempt = pay.pay(request, found, chosen, request.POST)
    except PaymentsUIError as error:
        return not_paid(request, found, chosen, error)
    if attempt.is_open and attempt.payment_method_id is None:
        form_refill.keep(request, partial(chosen.get_form, request, found), attempt.pk)
    return outcome(request, attempt, keeps_form=True)


def not_paid(
    request: HttpRequest, found: Payment, chosen: Moocher, error: PaymentsUIError
) -> HttpResponse:
    """Why the PSP was not asked: the step the payment is really at, or what to put right."""
    if isinstance(error, PaymentStateError):
        return payment_options.show_refusal(request, access.payment_of(request, found.pk), error)
    return payment_options.show_error(request, found, chosen, error)


def outcome(request: HttpRequest, attempt: Attempt, *, keeps_form: bool = False) -> HttpResponse:
    """What became of an attempt: the next state of the widget, or of the page.

    Where ``keeps_form``, the form of a declined one comes back as it was filled in: no redirect
    leads away from it, and posted again, it starts no second attempt.
    """
    found = access.payment_of(request, attempt.payment_id)
    has_failed = attempt.state == Attempt.State.FAILED
    is_declined = has_failed and found.state == Payment.State.PENDING
    if not http.is_fragment(request) and not (is_declined and keeps_form):
        return responses.see_other(found, failed=attempt.reference if has_failed else "")
    if attempt.state == Attempt.State.REQUIRES_ACTION and attempt.action_url:
        return http.leave(attempt.action_url)
    component = responses.pending_charges(request, payment=found, focus=True)
    if is_declined:
        payment_options.show_failure(component, found, attempt)
    status = HTTPStatus.PAYMENT_REQUIRED if is_declined else HTTPStatus.OK
    return responses.show(request, component, status=status, changed=True)


@access.for_user_or_guest
@require_POST
def step(request: HttpRequest, pk: UUID, identifier: str) -> JsonResponse:
    """What the PSP's script needs to take the open attempt's step in place, as JSON.

    409 with a sentence, ``{"error": "..."}``, where there is no such step, or the PSP does not
    answer.
    """
    attempt = access.payment_of(request, pk).open_attempt
    return responses.browser_step(
        attempt if attempt is not None and attempt.moocher == identifier else None
    )


@csrf_exempt
@access.for_anybody
@require_http_methods(["GET", "HEAD", "POST"])
def return_from_psp(request: HttpRequest, pk: UUID, identifier: str) -> HttpResponse:
    """Where a PSP sends the browser. Believes no parameter: asks the PSP.

    A POST is another site's and so brings no cookies: it changes nothing, and is answered by a
    redirect, which brings them. So is a URL to which the PSP has added something, such as Stripe
    its client secret: that stays in no page, and in no browser's history. Works without a
    session, too: then it shows the payment's state, and nothing about the person.
    """
    token = request.GET.get("attempt", "")
    try:
        attempt_id, page = tokens.ReturnToken.read(token)
    except signing.BadSignature as error:
        raise Http404 from error
    if request.method == "POST" or request.GET.keys() != {"attempt"}:
        kwargs = {"pk": pk, "identifier": identifier}
        return responses.see(reverse("payments_ui:return", kwargs=kwargs, query={"attempt": token}))
    ours = Attempt.objects.select_related("payment__user").filter(payment=pk, moocher=identifier)
    attempt = get_object_or_404(ours, pk=attempt_id)
    is_payer = access.admit_guest(request, pk) or owns(request, attempt.payment.user_id)
    attempt = return_flow.come_back(attempt, request, is_payer=is_payer)
    if is_payer:
        failed = attempt.state == Attempt.State.FAILED
        reference = attempt.reference if failed else ""
        return responses.see_other(attempt.payment, failed=reference, back=token if page else "")
    is_charged = attempt.state == Attempt.State.SETTLED
    is_not_charged = attempt.state in (Attempt.State.FAILED, Attempt.State.CANCELLED)
    heading = _("Your payment is being processed")
    if is_charged or is_not_charged:
        heading = _("Payment successful") if is_charged else _("Nothing was charged")
    context = {
        "payment": attempt.payment,
        "is_open": not is_charged and not is_not_charged,
        "heading": heading,
        "has_error": attempt.state == Attempt.State.FAILED,
        "back_url": page,
        # Nothing else on the page asks again.
        "reload_every": seconds_to_reload(attempt.updated_at),
        "look_url": request.get_full_path(),
        "base_template": settings.BASE_TEMPLATE,
        "title": heading,
        "help_url": settings.HELP_URL,
    }
    return render(request, "payments_ui/pages/returned.html", context)
