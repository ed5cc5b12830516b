"""What a user owes, what they have paid, and whether anything changed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from payments_ui import http, money
from payments_ui.components import heartbeat as heartbeat_component
from payments_ui.components.payment_history import PaymentHistory
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.selection import LineItemSelection
from payments_ui.components.widget import Widget
from payments_ui.core import queries
from payments_ui.core.models import Payment
from payments_ui.exceptions import PaymentsUIError
from payments_ui.flows import checkout

from . import access, payment_options, responses


@access.for_user
@require_safe
def charges(request: HttpRequest) -> HttpResponse:
    """The list of pending charges."""
    component = PendingCharges(
        request,
        responses.widget_of(request),
        page=responses.page_number(request),
        currency=_currency(request.GET.get("currency")),
        select="select" in request.GET,
        focus=http.is_fragment(request) and not http.is_background(request),
    )
    return responses.show(request, component)


@access.for_user
@require_http_methods(["GET", "HEAD", "POST"])
def payments(request: HttpRequest) -> HttpResponse:
    """The history of payments; POST makes a pending payment, or resumes it."""
    if request.method == "POST":
        return _begin(request)
    widget = responses.widget_of(request, PaymentHistory)
    component = PaymentHistory(request, widget, page=responses.page_number(request))
    if http.is_fragment(request):
        return responses.fragment(request, component.render_body(), widget)
    return responses.page(request, component, name="history")


def _begin(request: HttpRequest) -> HttpResponse:
    currency = _currency(request.POST.get("currency"))
    form = None
    if "select" in request.POST:
        form = LineItemSelection(access.user_of(request), currency, data=request.POST)
        if not form.is_valid():
            return _list(request, form=form, currency=currency, status=422)
    try:
        payment = checkout.begin(
            access.user_of(request),
            currency=currency or None,
            lineitems=None if form is None else form.cleaned_data["lineitems"],
        )
    except PaymentsUIError as error:
        return _list(request, error=error, currency=currency, status=responses.status_of(error))
    if payment is None:
        notice = _("There is nothing to pay at the moment.")
        return _list(request, notice=notice, currency=currency, status=409)
    return _begun(request, payment)


def _begun(request: HttpRequest, payment: Payment) -> HttpResponse:
    if not http.is_fragment(request):
        return responses.see_other(payment)
    component = PendingCharges(request, responses.widget_of(request), payment=payment, focus=True)
    return payment_options.show_payment(request, component, changed=True)


def _list(request: HttpRequest, *, status: int, **options: Any) -> HttpResponse:
    component = PendingCharges(request, responses.widget_of(request), focus=True, **options)
    return responses.show(request, component, status=status)


def _currency(text: str | None) -> str:
    return text if text and money.is_currency(text) else ""


@access.for_anybody
@require_safe
def heartbeat(request: HttpRequest) -> HttpResponse:
    """204 where the user's charges and payments are as the page knows them.

    Else a new heartbeat, and every widget of the page refreshes once. A visitor whose
    session ended is told so once, and the page stops asking.
    """
    widget = Widget.from_data(request.GET)
    if not request.user.is_authenticated:
        context = {"widget": widget}
        return render(request, "payments_ui/pages/signed_out_heartbeat.html", context)
    if queries.version(request.user) == request.GET.get("v"):
        return HttpResponse(status=204)
    response = HttpResponse(heartbeat_component.render(request, widget))
    response["HX-Trigger"] = http.CHANGED
    return response
