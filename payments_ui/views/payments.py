"""One payment: review, state, giving it up, its receipt."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal
from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payments_ui import http, money
from payments_ui.components.payment_options import called_off, calling_off
from payments_ui.components.receipt import Receipt
from payments_ui.core import journal
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import PaymentStateError
from payments_ui.flows import cancel, checkout, return_from_psp, tokens

from . import access, payment_options, responses


@access.for_user_or_guest
@require_safe
def payment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The step the payment is at. Asks the PSP where the outcome is open."""
    found = return_from_psp.refresh(access.payment_of(request, pk), request)
    if http.is_background(request):
        return _news(request, found)
    if chosen := request.GET.get("moocher"):
        return payment_options.show_option(request, found, chosen)
    component = responses.pending_charges(
        request,
        payment=found,
        page=responses.page_number(request),
        focus=http.is_fragment(request),
    )
    latest = _latest_failure(found)
    # Told where the URL names it, as after a redirect, and is still the latest news.
    if latest and latest.reference == request.GET.get("failed"):
        payment_options.show_failure(component, found, latest)
    else:
        payment_options.preselect(component)
    if http.is_fragment(request):
        return responses.show(request, component)
    with suppress(signing.BadSignature):
        component.back_url = tokens.ReturnToken.read(request.GET.get("back", ""))[1]
    return responses.page(request, component)


def _news(request: HttpRequest, found: Payment) -> HttpResponse:
    component = responses.pending_charges(request, payment=found)
    news = component.refresh(request.GET.get("seen", ""))
    if news is None:
        return HttpResponse(status=204)
    if not news.whole:
        return responses.news(component.widget, news)
    if latest := _latest_failure(found):
        payment_options.show_failure(component, found, latest)
    else:
        payment_options.preselect(component)
    component.focus = False
    live_text = responses.paid_text(found) if found.charged_at else ""
    return responses.show(request, component, live_text=live_text, whole=True)


def _latest_failure(found: Payment) -> Attempt | None:
    if found.state != Payment.State.PENDING:
        return None
    latest: Attempt | None = found.attempts.order_by("-started_at").first()
    return latest if latest and latest.state == Attempt.State.FAILED else None


@access.for_user
@require_http_methods(["GET", "HEAD", "POST"])
def cancellation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask whether to give the payment up; POST does, and the items are back in the list."""
    found = access.payment_of(request, pk)
    if question := _question(request, found, asks="payment"):
        return question
    warning = called_off(pk)
    try:
        cancel.cancel(found, by=journal.by_user(request.user), request=request)
    except PaymentStateError as error:
        return _refused(request, pk, error)
    notice = _("Nothing was charged. Your items are back in your list.")
    if warning:
        notice = _("Your items are back in your list. %(warning)s") % {"warning": warning}
    if not http.is_fragment(request):
        return responses.tell(request, notice, reverse("payments_ui:charges"))
    component = responses.pending_charges(request, notice=notice, focus=True)
    return responses.show(request, component, changed=True)


@access.for_user_or_guest
@require_http_methods(["GET", "HEAD", "POST"])
def attempt_cancellation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask whether to call the open attempt off; POST does, to pay another way."""
    found = access.payment_of(request, pk)
    if question := _question(request, found, asks="attempt"):
        return question
    try:
        cancel.cancel_attempt(found, request)
    except PaymentStateError as error:
        return _refused(request, pk, error)
    notice = called_off(pk) or _("Nothing was charged. Please choose how to pay.")
    return payment_options.show_payment(request, found, notice=notice)


def _question(
    request: HttpRequest, found: Payment, *, asks: Literal["payment", "attempt"]
) -> HttpResponse | None:
    """The question before something is called off, where the customer has to be asked it first.

    Where nothing can be called off any more, the step that the payment is at.
    """
    attempt = found.open_attempt
    is_answered = "confirmed" in request.POST or attempt is None or not calling_off(attempt)
    if request.method == "POST" and is_answered:
        return None
    has_nothing = found.charged_at or (asks == "attempt" and attempt is None)
    component = responses.pending_charges(
        request, payment=found, asks="" if has_nothing else asks, focus=True
    )
    payment_options.preselect(component)
    return responses.show(request, component)


@access.for_user
@require_POST
def lineitems(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the charges in that came since the payment was made."""
    try:
        found = checkout.add_new_charges(
            access.payment_of(request, pk), by=journal.by_user(request.user)
        )
    except PaymentStateError as error:
        return _refused(request, pk, error)
    amount = money.format_amount(found.amount, found.currency)
    notice = _("The new items are part of this payment now. Its amount is %(amount)s.")
    if found.pk == pk:
        notice = _("Your credit would leave nothing to pay, so this payment stays as it is.")
    return payment_options.show_payment(request, found, notice=notice % {"amount": amount})


def _refused(request: HttpRequest, pk: UUID, error: PaymentStateError) -> HttpResponse:
    return payment_options.show_refusal(request, access.payment_of(request, pk), error)


@access.for_user_or_guest
@require_safe
def receipt(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Proof of a charged payment; 404 before it is charged."""
    found = access.payment_of(request, pk)
    if not found.charged_at:
        raise Http404
    widget = responses.widget_of(request, Receipt)
    component = Receipt(request, widget, payment=found, page=responses.page_number(request))
    return responses.show(request, component)
