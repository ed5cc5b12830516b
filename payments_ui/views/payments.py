"""One payment: review, state, giving it up, its receipt."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from payments_ui import flows, http
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.receipt import Receipt
from payments_ui.core import journal
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import PaymentStateError

from . import access, answers


@require_GET
@access.for_user
def payment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The step the payment is at. Asks the PSP where the outcome is open."""
    found = flows.refresh(access.payment_of(request, pk), request)
    if http.is_background(request):
        return _news(request, found)
    if chosen := request.GET.get("moocher"):
        return answers.show_moocher(request, found, chosen)
    component = PendingCharges(
        request,
        answers.widget_of(request),
        payment=found,
        page=answers.page_number(request),
        error=_last_failure(request, found),
        focus=http.is_fragment(request),
    )
    return answers.show_payment(request, component)


def _news(request: HttpRequest, found: Payment) -> HttpResponse:
    component = PendingCharges(request, answers.widget_of(request), payment=found)
    answers.choose_only_way(component)
    news = component.refresh(request.GET.get("seen", ""))
    if news is None:
        return HttpResponse(status=204)
    if not news.whole:
        return HttpResponse(news.html)
    text = answers.paid_text(found) if found.charged_at else _("This payment has changed.")
    response = answers.fragment(request, news.html, component.widget, live_text=text)
    response["HX-Retarget"] = news.retarget
    response["HX-Reswap"] = "outerHTML"
    return response


def _last_failure(request: HttpRequest, found: Payment) -> str | None:
    reference = request.GET.get("failed", "")
    failed = found.attempts.filter(state=Attempt.State.FAILED).order_by("-ended_at").first()
    if failed is None or failed.reference != reference:
        return None
    return answers.failure_text(failed)


@require_POST
@access.for_user
def cancellation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give the payment up; the charges are back in the list."""
    found = access.payment_of(request, pk)
    try:
        flows.cancel(found, by=journal.by_user(request.user), request=request)
    except PaymentStateError as error:
        return _refused(request, pk, error)
    notice = _("Nothing was charged. Your charges are back in your list.")
    component = PendingCharges(request, answers.widget_of(request), notice=notice, focus=True)
    if not http.is_fragment(request):
        return answers.see_charges()
    return answers.show(request, component, changed=True)


@require_POST
@access.for_user
def attempt_cancellation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Call the open attempt off, to pay another way."""
    found = access.payment_of(request, pk)
    try:
        flows.cancel_attempt(found, request)
    except PaymentStateError as error:
        return _refused(request, pk, error)
    return _show(request, found)


@require_POST
@access.for_user
def lineitems(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the charges in that came since the payment was made."""
    try:
        found = flows.take_in(access.payment_of(request, pk))
    except PaymentStateError as error:
        return _refused(request, pk, error)
    return _show(request, found)


def _show(request: HttpRequest, found: Payment) -> HttpResponse:
    if not http.is_fragment(request):
        return answers.see_other(found)
    component = PendingCharges(request, answers.widget_of(request), payment=found, focus=True)
    return answers.show_payment(request, component, changed=True)


def _refused(request: HttpRequest, pk: UUID, error: PaymentStateError) -> HttpResponse:
    found = access.payment_of(request, pk)
    return answers.show_refusal(request, found, error)


@require_GET
@access.for_user
def receipt(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Proof of a charged payment; 404 while there is none."""
    found = access.payment_of(request, pk)
    if not found.charged_at:
        raise Http404
    widget = answers.widget_of(request, Receipt)
    component = Receipt(request, widget, payment=found, page=answers.page_number(request))
    if http.is_fragment(request):
        return answers.fragment(request, component.render_body(), widget)
    return answers.page(request, component, name="receipt")
