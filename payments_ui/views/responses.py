"""Turning a component into an answer: a fragment for htmx, else a whole page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from payments_ui import http, money
from payments_ui.components import heartbeat, registry
from payments_ui.components.base import Component
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.widget import Widget
from payments_ui.conf import settings
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import (
    MayNotPayError,
    PaymentGoneError,
    PaymentsUIError,
    TooManyAttemptsError,
)
from payments_ui.flows.pay import FormInvalidError

#: Status of a whole page that tells of an error; every other one is a conflict (409).
_STATUS: dict[type[PaymentsUIError], int] = {
    FormInvalidError: 422,
    MayNotPayError: 403,
    PaymentGoneError: 410,
    TooManyAttemptsError: 429,
}


def status_of(error: PaymentsUIError) -> int:
    """The status of a whole page that shows this error."""
    return _STATUS.get(type(error), 409)


def widget_of(request: HttpRequest, component: type[Component] = PendingCharges) -> Widget:
    """The widget a fragment is for; on a whole page, one whose heading is the page's."""
    if http.is_fragment(request):
        data = request.POST if request.method == "POST" else request.GET
        return component.widget_class.from_data(data)
    return component.widget_class.for_tag(request, component.accepts, {"heading": 1})


def pending_charges(request: HttpRequest, **options: Any) -> PendingCharges:
    """The widget in one of its steps, by the component whose tag is on the page.

    ``options`` are those of ``PendingCharges``.
    """
    widget = widget_of(request)
    found = registry.find(widget.component)
    if found is None or not issubclass(found, PendingCharges):
        found = PendingCharges
    return found(request, widget, **options)


def page_number(request: HttpRequest) -> int:
    """``?page=``, or 1 where it is no page."""
    text = request.GET.get("page", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def show(
    request: HttpRequest,
    component: Component,
    *,
    status: int = 200,
    live_text: str = "",
    changed: bool = False,
    whole: bool = False,
) -> HttpResponse:
    """The component as a fragment (always 200), or as a page with ``status``.

    A fragment brings the live region's text and the page's heartbeat. ``changed`` tells the
    other widgets of the page, without an echo in this one. ``whole`` is for a request that
    may have been for a part of the body.
    """
    if not http.is_fragment(request):
        return page(request, component, status=status)
    widget = component.widget
    context = {
        "body": component.render_body(),
        "widget": widget,
        "live_text": live_text,
        "heartbeat": heartbeat.render(request, widget, oob=True) if widget.live else "",
    }
    response = render(request, "payments_ui/pages/fragment.html", context)
    if changed:
        response["HX-Trigger"] = http.CHANGED
    return retarget(response, widget) if whole else response


def retarget(response: HttpResponse, widget: Widget) -> HttpResponse:
    """Make htmx replace the body, whatever part of it was asked for."""
    response["HX-Retarget"] = f"#{widget.id}-body"
    response["HX-Reswap"] = "outerHTML"
    return response


def page(
    request: HttpRequest, component: Component, *, status: int = 200, back_url: str = ""
) -> HttpResponse:
    """A whole page that extends the host's base template.

    ``back_url`` is the page the customer left for a PSP.
    """
    context = {
        "component": component.render(),
        "base_template": settings.BASE_TEMPLATE,
        "title": component.widget.title or component.title,
        "has_error": bool(getattr(component, "error", None)),
        "back_url": back_url,
    }
    return render(request, "payments_ui/pages/widget.html", context, status=status)


def signed_out(request: HttpRequest, login_url: str) -> HttpResponse:
    """What an expired session's widget shows."""
    return _without_charges(request, "signed_out", login_url=login_url)


def no_payer(request: HttpRequest) -> HttpResponse:
    """What a widget shows whose user may see nobody's charges any more."""
    return _without_charges(request, "no_payer")


def _without_charges(request: HttpRequest, step: str, **context: str) -> HttpResponse:
    if http.is_background(request):
        return HttpResponse(status=204)
    widget = widget_of(request)
    template = f"payments_ui/components/pending_charges/{step}.html"
    shown = {"widget": widget, "focus": True, "step": step, **context}
    return retarget(render(request, template, shown), widget)


def see_other(payment: Payment, **query: str) -> HttpResponseRedirect:
    """POST-redirect-GET: to the payment's page."""
    query = {name: value for name, value in query.items() if value}
    return see(reverse("payments_ui:payment", kwargs={"pk": payment.pk}, query=query or None))


def see(url: str) -> HttpResponseRedirect:
    """303: the browser gets ``url``."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def paid_text(payment: Payment) -> str:
    """What the live region says after paying."""
    amount = money.format_amount(payment.amount, payment.currency)
    return _("Paid: %(amount)s") % {"amount": amount}


def failure_text(attempt: Attempt) -> str:
    """Why an attempt failed, that nothing was charged, and what to tell the support."""
    return _("Nothing was charged. %(reason)s (Reference %(reference)s)") % {
        "reason": attempt.failure_message,
        "reference": attempt.reference,
    }
