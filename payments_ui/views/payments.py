"""One payment: review, state, giving it up, its receipt."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from payments_ui import http
from payments_ui.components.receipt import Receipt
from payments_ui.core import journal
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import PaymentStateError
from payments_ui.flows import cancel, checkout, return_from_psp, tokens

from . import access, payment_options, responses


@access.for_user
@require_safe
def payment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The step the payment is at. Asks the PSP where the outcome is open."""
    found = return_from_psp.refresh(access.payment_of(request, pk), request)
    if http.is_background(request):
        return _news(request, found)
    if chosen := request.GET.get("moocher"):
        return payment_options.show_moocher(request, found, chosen)
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
        payment_options.choose_only_option(component)
    if http.is_fragment(request):
        return responses.show(request, component)
    try:
        back_url = tokens.ReturnToken.read(request.GET.get("back", ""))[1]
    except signing.BadSignature:
        back_url = ""
    return responses.page(request, component, back_url=back_url)


def _news(request: HttpRequest, found: Payment) -> HttpResponse:
    component = responses.pending_charges(request, payment=found)
    news = component.refresh(request.GET.get("seen", ""))
    if news is None:
        return HttpResponse(status=204)
    if not news.whole:
        return HttpResponse(news.html)
    if latest := _latest_failure(found):
        payment_options.show_failure(component, found, latest)
    else:
        payment_options.choose_only_option(component)
    component.focus = False
    text = responses.paid_text(found) if found.charged_at else _("This payment has changed.")
    live_text = str(component.error or text)
    return responses.show(request, component, live_text=live_text, whole=True)


def _latest_failure(found: Payment) -> Attempt | None:
    if found.state != Payment.State.PENDING:
        return None
    latest: Attempt | None = found.attempts.order_by("-started_at").first()
    return latest if latest and latest.state == Attempt.State.FAILED else None


@access.for_user
@require_POST
def cancellation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give the payment up; the charges are back in the list."""
    found = access.payment_of(request, pk)
    try:
        cancel.cancel(found, by=journal.by_user(request.user), request=request)
    except PaymentStateError as error:
        return _refused(request, pk, error)
    if not http.is_fragment(request):
        return responses.see(reverse("payments_ui:charges"))
    notice = _("Nothing was charged. Your charges are back in your list.")
    component = responses.pending_charges(request, notice=notice, focus=True)
    return responses.show(request, component, changed=True)


@access.for_user
@require_POST
def attempt_cancellation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Call the open attempt off, to pay another way."""
    found = access.payment_of(request, pk)
    try:
        cancel.cancel_attempt(found, request)
    except PaymentStateError as error:
        return _refused(request, pk, error)
    return payment_options.show_payment(request, found)


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
    return payment_options.show_payment(request, found)


def _refused(request: HttpRequest, pk: UUID, error: PaymentStateError) -> HttpResponse:
    return payment_options.show_refusal(request, access.payment_of(request, pk), error)


@access.for_user
@require_safe
def receipt(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Proof of a charged payment; 404 before it is charged."""
    found = access.payment_of(request, pk)
    if not found.charged_at:
        raise Http404
    widget = responses.widget_of(request, Receipt)
    component = Receipt(request, widget, payment=found, page=responses.page_number(request))
    return responses.show(request, component)
