"""What a user owes, what they have paid, and whether anything changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from payments_ui import http, money
from payments_ui.components import heartbeat as heartbeat_component
from payments_ui.components import heartbeat_token, registry
from payments_ui.components.base import Component
from payments_ui.components.payment_history import PaymentHistory
from payments_ui.components.selection import LineItemSelection
from payments_ui.components.uses import Uses, UsesForm
from payments_ui.components.widget import Widget
from payments_ui.core import journal
from payments_ui.exceptions import PaymentsUIError
from payments_ui.flows import checkout
from payments_ui.payer import check_may_pay, payer_of

from . import access, payment_options, responses


@access.for_user
@require_safe
def charges(request: HttpRequest) -> HttpResponse:
    """The list of pending charges."""
    component = responses.pending_charges(
        request,
        page=responses.page_number(request),
        currency=_currency(request.GET.get("currency")),
        select="select" in request.GET,
        focus=http.is_fragment(request) and not http.is_background(request),
    )
    return responses.show(request, component)


@access.for_user
@require_safe
def selection(request: HttpRequest) -> JsonResponse:
    """How many charges are ticked and their sum, as a sentence; 422 for what cannot be paid."""
    user, currency = check_may_pay(request).user, _currency(request.GET.get("currency"))
    form = LineItemSelection(user, currency, data=request.GET)
    ticked = request.GET.getlist("lineitems")
    if not currency or (ticked and not form.is_valid()):
        return JsonResponse({}, status=422)
    chosen = form.cleaned_data["lineitems"] if ticked else []
    exact = sum((item.amount for item in chosen), start=Decimal(0))
    shown = money.format_amount(money.round_amount(exact, currency), currency)
    text = ngettext("%(count)s selected: %(sum)s", "%(count)s selected: %(sum)s", len(chosen))
    return JsonResponse({"text": text % {"count": len(chosen), "sum": shown}})


@access.for_user
@require_safe
def uses(request: HttpRequest) -> HttpResponse:
    """Each use of a group of line items; in place, the list alone."""
    form = UsesForm(request.GET)
    if not form.is_valid():
        raise Http404
    of_payment = form.cleaned_data["payment"]
    component = Uses(
        request,
        responses.widget_of(request, Uses),
        currency=form.cleaned_data["currency"],
        look=form.look,
        payment=access.payment_of(request, of_payment) if of_payment else None,
        page=responses.page_number(request),
    )
    if http.is_fragment(request):
        return HttpResponse(component.render_list())
    return responses.page(request, component)


@access.for_user
@require_safe
def widget(request: HttpRequest, name: str) -> HttpResponse:
    """Any component with a tag, as a fragment or as a page of its own."""
    found = registry.find(name)
    if found is None:
        raise Http404
    return _show(request, found)


@access.for_user
@require_http_methods(["GET", "HEAD", "POST"])
def payments(request: HttpRequest) -> HttpResponse:
    """The history of payments; POST makes a pending payment, or resumes it."""
    return _checkout(request) if request.method == "POST" else _show(request, PaymentHistory)


def _show(request: HttpRequest, component_class: type[Component]) -> HttpResponse:
    widget = responses.widget_of(request, component_class)
    component = component_class(request, widget, page=responses.page_number(request))
    return responses.show(request, component)


def _checkout(request: HttpRequest) -> HttpResponse:
    user = check_may_pay(request, must_say=True).user
    currency = _currency(request.POST.get("currency"))
    form = None
    if "select" in request.POST:
        form = LineItemSelection(user, currency, data=request.POST)
        if not form.is_valid():
            return _list(request, form=form, currency=currency, status=422)
    try:
        payment = checkout.begin(
            user,
            currency=currency or None,
            lineitems=None if form is None else form.cleaned_data["lineitems"],
            by=journal.by_user(request.user),
        )
    except PaymentsUIError as error:
        return _list(request, error=error, currency=currency, status=responses.status_of(error))
    if payment is None:
        notice = _("You have nothing to pay at the moment.")
        return _list(request, notice=notice, currency=currency, status=409)
    return payment_options.show_payment(request, payment)


def _list(request: HttpRequest, *, status: int, **options: Any) -> HttpResponse:
    component = responses.pending_charges(request, focus=True, **options)
    return responses.show(request, component, status=status)


def _currency(text: str | None) -> str:
    return text if text and money.is_currency(text) else ""


@access.for_anybody
@require_safe
def heartbeat(request: HttpRequest) -> HttpResponse:
    """204 where the user's charges and payments are as the page knows them.

    Else a new heartbeat, and every widget of the page refreshes once. A visitor whose
    session ended is told so once, and the page stops asking. While its token holds, nothing new
    is found without session and user; a page whose token has expired gets a new one.
    """
    if http.is_of_another_origin(request):
        return HttpResponse(status=403)
    if heartbeat_token.holds(request):
        return HttpResponse(status=204)
    widget = Widget.from_data(request.GET)
    payer = payer_of(request)
    if payer is None:
        context = {"widget": widget, "is_signed_in": request.user.is_authenticated}
        return render(request, "payments_ui/pages/signed_out_heartbeat.html", context)
    is_known = heartbeat_component.seen(request) == request.GET.get("v")
    if is_known and not request.GET.get(heartbeat_token.NAME):
        return HttpResponse(status=204)
    response = HttpResponse(heartbeat_component.render(request, widget))
    if not is_known:
        response["HX-Trigger"] = http.CHANGED
    return response
