"""Turning a component into an answer: a fragment for htmx, else a whole page."""

from __future__ import annotations

import re
from html import unescape
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from payments_ui import http, money
from payments_ui.components import heartbeat, registry
from payments_ui.components.base import Component, Refresh
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.widget import Widget
from payments_ui.conf import settings
from payments_ui.core import queries
from payments_ui.core.models import Attempt, Payment, PaymentMethod
from payments_ui.exceptions import (
    MayNotPayError,
    MoocherError,
    PaymentGoneError,
    PaymentsUIError,
    TooManyAttemptsError,
)
from payments_ui.flows import browser_step as browser_flow
from payments_ui.flows.posted import FormInvalidError

from . import notices

# The heading of a step, as body.html writes it.
_STEP_TITLE = re.compile(r'class="pui-step-title"[^>]*>(.*?)</h[1-6]>', re.DOTALL)
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

    A fragment brings the live region's text and the page's heartbeat. Whoever acted hears what
    has the focus; of what a refresher brings instead of another step, the live region says why,
    or names the new step. ``changed`` tells the other widgets of the page, without an echo in this
    one. ``whole`` is for a request that may have been for a part of the body.
    """
    if not http.is_fragment(request):
        return page(request, component, status=status)
    widget, body = component.widget, component.render_body()
    if whole and http.is_background(request):
        live_text = live_text or component.error_text or component.notice or _title_of(body)
    context = {
        "body": body,
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


def page(request: HttpRequest, component: Component, *, status: int = 200) -> HttpResponse:
    """A whole page that extends the host's base template, titled by what the widget says.

    Shows the notice of the action that led here by a redirect.
    """
    if not component.error and not component.notice:
        component.notice = notices.read(request)
        component.focus = component.focus or bool(component.notice)
    shown = component.render()
    parts = (_title_of(shown), str(component.widget.title or component.title))
    context = {
        "component": shown,
        "base_template": settings.BASE_TEMPLATE,
        "title": " \u2013 ".join(filter(None, parts)),
        "has_error": bool(component.error) or status >= HTTPStatus.BAD_REQUEST,
    }
    return render(request, "payments_ui/pages/widget.html", context, status=status)


def _title_of(html: str) -> str:
    """The heading of the step that some HTML shows; empty where it has none."""
    heading = _STEP_TITLE.search(html)
    return " ".join(unescape(strip_tags(heading[1])).split()) if heading else ""


def news(widget: Widget, refresh: Refresh) -> HttpResponse:
    """What happened since, in place of what was shown of it, and in the live region."""
    context = {"body": refresh.html, "widget": widget, "live_text": refresh.text}
    return HttpResponse(render_to_string("payments_ui/pages/fragment.html", context))


def signed_out(request: HttpRequest, login_url: str) -> HttpResponse:
    """What an expired session's widget shows."""
    return _without_charges(request, "signed_out", login_url=login_url)


def no_payer(request: HttpRequest) -> HttpResponse:
    """What a widget shows whose user may no longer see any charges."""
    return _without_charges(request, "no_payer")


def _without_charges(request: HttpRequest, step: str, **context: str) -> HttpResponse:
    if http.is_background(request):
        return HttpResponse(status=204)
    widget = widget_of(request)
    template = f"payments_ui/components/pending_charges/{step}.html"
    shown = {"widget": widget, "focus": True, "step": step, **context}
    return retarget(render(request, template, shown), widget)


def browser_step(subject: Attempt | PaymentMethod | None) -> JsonResponse:
    """What a PSP's script needs in the browser; 409 with a sentence where there is nothing."""
    try:
        if subject is None:
            raise MoocherError("No step of this moocher is open")
        return JsonResponse(dict(browser_flow.fetch(subject)))
    except MoocherError:
        text = _("This step could not be opened. Please try again. You will not be charged twice.")
        return JsonResponse({"error": text}, status=409)


def see_other(payment: Payment, **query: str) -> HttpResponseRedirect:
    """POST-redirect-GET: to the payment's page."""
    query = {name: value for name, value in query.items() if value}
    return see(reverse("payments_ui:payment", kwargs={"pk": payment.pk}, query=query or None))


def tell(request: HttpRequest, notice: str, url: str) -> HttpResponseRedirect:
    """POST-redirect-GET: to a page of the kit that says what was done."""
    return see(f"{url}?{urlencode({notices.NAME: notices.sign(request, notice)})}")


def see(url: str) -> HttpResponseRedirect:
    """303: the browser gets ``url``."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def paid_text(payment: Payment) -> str:
    """What the live region says after paying. One query."""
    paid = queries.arrived([payment])[payment.pk].paid
    amount = money.format_amount(paid, payment.currency)
    return _("Paid: %(amount)s") % {"amount": amount}


def failure_text(attempt: Attempt) -> str:
    """Why an attempt failed, that nothing was charged, and what to tell the support."""
    return _("Nothing was charged. %(reason)s (Reference %(reference)s)") % {
        "reason": attempt.failure_message,
        "reference": attempt.reference,
    }
