"""One payment: review, state, giving it up, its receipt."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from payments_ui import http
from payments_ui.components.pending_charges import PendingCharges
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
    component = PendingCharges(
        request,
        responses.widget_of(request),
        payment=found,
        page=responses.page_number(request),
        focus=http.is_fragment(request),
    )
    if failed := _told_failure(request, found):
        payment_options.show_failure(component, found, failed)
    else:
        payment_options.choose_only_way(component)
    if http.is_fragment(request):
        return responses.show(request, component)
    return responses.page(request, component, back_url=_back(request))


def _news(request: HttpRequest, found: Payment) -> HttpResponse:
    component = PendingCharges(request, responses.widget_of(request), payment=found)
    news = component.refresh(request.GET.get("seen", ""))
    if news is None:
        return HttpResponse(status=204)
    if not news.whole:
        return HttpResponse(news.html)
    failed = _latest_failure(found)
    if failed is None:
        payment_options.choose_only_way(component)
    else:
        payment_options.show_failure(component, found, failed)
    return _whole_news(request, component, found)


def _whole_news(request: HttpRequest, component: PendingCharges, found: Payment) -> HttpResponse:
    component.focus = False
    text = responses.paid_text(found) if found.charged_at else _("This payment has changed.")
    live_text = str(component.error or text)
    body = component.render_body()
    response = responses.fragment(request, body, component.widget, live_text=live_text)
    return responses.retarget(response, component.widget)


def _told_failure(request: HttpRequest, found: Payment) -> Attempt | None:
    """The failure that the URL names, if it is the latest news."""
    reference = request.GET.get("failed")
    failed = _latest_failure(found) if reference else None
    return failed if failed and failed.reference == reference else None


def _latest_failure(found: Payment) -> Attempt | None:
    if found.state != Payment.State.PENDING:
        return None
    latest: Attempt | None = found.attempts.order_by("-started_at").first()
    return latest if latest and latest.state == Attempt.State.FAILED else None


def _back(request: HttpRequest) -> str:
    try:
        return tokens.ReturnToken.read(request.GET.get("back", ""))[1]
    except signing.BadSignature:
        return ""


@access.for_user
@require_POST
def cancellation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give the payment up; the charges are back in the list."""
    found = access.payment_of(request, pk)
    try:
        by = journal.by_user(request.user)
        cancel.cancel(found, by=by, request=request)
    except PaymentStateError as error:
        return _refused(request, pk, error)
    if not http.is_fragment(request):
        return responses.see_charges()
    notice = _("Nothing was charged. Your charges are back in your list.")
    component = PendingCharges(request, responses.widget_of(request), notice=notice, focus=True)
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
    return _show(request, found)


@access.for_user
@require_POST
def lineitems(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the charges in that came since the payment was made."""
    try:
        found = checkout.add_new_charges(access.payment_of(request, pk))
    except PaymentStateError as error:
        return _refused(request, pk, error)
    return _show(request, found)


def _show(request: HttpRequest, found: Payment) -> HttpResponse:
    if not http.is_fragment(request):
        return responses.see_other(found)
    component = PendingCharges(request, responses.widget_of(request), payment=found, focus=True)
    return payment_options.show_payment(request, component, changed=True)


def _refused(request: HttpRequest, pk: UUID, error: PaymentStateError) -> HttpResponse:
    return payment_options.show_refusal(request, access.payment_of(request, pk), error)


@access.for_user
@require_safe
def receipt(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Proof of a charged payment; 404 while there is none."""
    found = access.payment_of(request, pk)
    if not found.charged_at:
        raise Http404
    widget = responses.widget_of(request, Receipt)
    component = Receipt(request, widget, payment=found, page=responses.page_number(request))
    if http.is_fragment(request):
        return responses.fragment(request, component.render_body(), widget)
    return responses.page(request, component, name="receipt")
