"""Turning a component into an answer: a fragment for htmx, else a whole page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from payments_ui import http, money
from payments_ui.components import heartbeat
from payments_ui.components.base import Component
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.widget import Widget
from payments_ui.conf import settings
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import PaymentsUIError
from payments_ui.flows import FormToken
from payments_ui.moochers.adopt import adopt, posts_in_place
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.registry import moochers


def widget_of(request: HttpRequest, component: type[Component] = PendingCharges) -> Widget:
    """The widget a fragment is for; on a whole page, one of the page's own."""
    if http.is_fragment(request):
        return Widget.from_data(request.POST if request.method == "POST" else request.GET)
    return Widget.for_tag(request, component.accepts)


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
) -> HttpResponse:
    """The component as a fragment (always 200), or as a page with ``status``.

    ``changed`` tells the other widgets of the page, without an echo in this one.
    """
    if not http.is_fragment(request):
        return page(request, component, status=status)
    return fragment(
        request, component.render_body(), component.widget, live_text=live_text, changed=changed
    )


def fragment(
    request: HttpRequest,
    body: SafeString,
    widget: Widget,
    *,
    live_text: str = "",
    changed: bool = False,
) -> HttpResponse:
    """A body with the live region's text and the page's heartbeat beside it."""
    beat = heartbeat.render(request, widget, oob=True) if widget.live else ""
    context = {"body": body, "widget": widget, "live_text": live_text, "heartbeat": beat}
    response = render(request, "payments_ui/pages/fragment.html", context)
    if changed:
        response["HX-Trigger"] = http.CHANGED
    return response


def page(
    request: HttpRequest, component: Component, *, status: int = 200, name: str = "payment"
) -> HttpResponse:
    """A whole page that extends the host's base template."""
    context = {
        "component": component.render(),
        "base_template": settings.BASE_TEMPLATE,
        "title": component.widget.title or component.title,
        "has_error": bool(getattr(component, "error", None)),
    }
    return render(request, f"payments_ui/pages/{name}.html", context, status=status)


def see_other(payment: Payment, **query: str) -> HttpResponseRedirect:
    """POST-redirect-GET: to the payment's page."""
    url = reverse("payments_ui:payment", kwargs={"pk": payment.pk}, query=query or None)
    return _see(url)


def signed_out(request: HttpRequest, login_url: str) -> HttpResponse:
    """What an expired session's widget shows."""
    widget = Widget.from_data(request.POST if request.method == "POST" else request.GET)
    if http.is_background(request):
        return HttpResponse(status=204)
    context = {"widget": widget, "login_url": login_url, "focus": True, "step": "signed_out"}
    template = "payments_ui/components/pending_charges/signed_out.html"
    return render(request, template, context)


def form_html(request: HttpRequest, widget: Widget, payment: Payment, moocher: Moocher) -> str:
    """The moocher's form for this payment, ready to be posted in place.

    One that brings scripts of its own works on a page of its own only.
    """
    html = moocher.payment_form(request, payment)
    if http.is_fragment(request) and not posts_in_place(html):
        context = {"moocher": moocher, "payment": payment, "pay_url": moocher.pay_url(payment)}
        return render_to_string("payments_ui/moochers/own_page.html", context, request=request)
    return adopted(request, widget, payment, html)


def adopted(request: HttpRequest, widget: Widget, payment: Payment, html: str) -> SafeString:
    """A moocher's HTML, whose forms carry what the kit needs to protect them."""
    return adopt(html, request, widget.data | FormToken.fields(payment))


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


def choose_only_way(component: PendingCharges) -> None:
    """Show the form at once where there is one way to pay only."""
    payment, ways = component.payment, list(moochers().values())
    pending = payment is not None and payment.state == Payment.State.PENDING
    if payment is None or not pending or len(ways) != 1 or ways[0].refuse(payment):
        return
    component.moocher = ways[0]
    component.form_html = form_html(component.request, component.widget, payment, ways[0])


def show_payment(
    request: HttpRequest, component: PendingCharges, *, changed: bool = False
) -> HttpResponse:
    """The payment's step, with the form of the only way to pay."""
    choose_only_way(component)
    return show(request, component, changed=changed)


def show_moocher(request: HttpRequest, payment: Payment, identifier: str) -> HttpResponse:
    """The form of one way to pay: its panel, or the payment's page with it."""
    widget = widget_of(request)
    component = PendingCharges(request, widget, payment=payment)
    if payment.state != Payment.State.PENDING:
        return whole_body(request, component) if http.is_fragment(request) else see_other(payment)
    chosen = moochers().get(identifier)
    if chosen is None:
        return _unknown_way(request, component)
    component.moocher = chosen
    if not chosen.refuse(payment):
        component.form_html = form_html(request, widget, payment, chosen)
    if http.is_fragment(request):
        return HttpResponse(component.render_panel())
    return page(request, component)


def whole_body(request: HttpRequest, component: PendingCharges) -> HttpResponse:
    """The whole body, in answer to a request for a part of it."""
    component.focus = True
    response = show(request, component)
    response["HX-Retarget"] = f"#{component.widget.id}-body"
    response["HX-Reswap"] = "outerHTML"
    return response


def _unknown_way(request: HttpRequest, component: PendingCharges) -> HttpResponse:
    if not http.is_fragment(request):
        raise Http404
    component.error = _("This way to pay is not offered. Please choose another one.")
    return whole_body(request, component)


def show_refusal(request: HttpRequest, payment: Payment, error: PaymentsUIError) -> HttpResponse:
    """The step the payment is really at, and why it could not be done."""
    component = PendingCharges(
        request, widget_of(request), payment=payment, notice=str(error.message), focus=True
    )
    choose_only_way(component)
    return show(request, component, status=409, changed=True)


def see_charges() -> HttpResponseRedirect:
    """POST-redirect-GET: to the list."""
    return _see(reverse("payments_ui:charges"))


def _see(url: str) -> HttpResponseRedirect:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
