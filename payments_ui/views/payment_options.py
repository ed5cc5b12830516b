"""The ways to pay in the payment step: their forms, and what is wrong with them."""

from __future__ import annotations

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from payments_ui import http
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.widget import Widget
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import MoocherError, PaymentsUIError
from payments_ui.flows.pay import FormInvalidError
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.form_adoption import adopt, posts_in_place
from payments_ui.moochers.registry import moochers

from . import responses

logger = logging.getLogger("payments_ui")


def choose(component: PendingCharges, payment: Payment, moocher: Moocher) -> None:
    """Show the form of this way to pay, or why it cannot take the payment."""
    component.moocher = moocher
    if moocher.refuse(payment):
        return
    try:
        html = moocher.payment_form(component.request, payment)
    except Exception:
        # A customer can still choose another way.
        logger.exception("The form of moocher %s failed", moocher.identifier)
        component.error = component.error or MoocherError()
        return
    component.form_html = _form_html(component, payment, moocher, html)


def _form_html(
    component: PendingCharges, payment: Payment, moocher: Moocher, html: str
) -> SafeString:
    request = component.request
    if http.is_fragment(request) and not posts_in_place(html):
        # One that brings scripts of its own works on a page of its own only.
        context = {"moocher": moocher, "payment": payment, "pay_url": moocher.pay_url(payment)}
        return render_to_string("payments_ui/moochers/own_page.html", context, request=request)
    return _adopted(request, component.widget, payment, html)


def _adopted(request: HttpRequest, widget: Widget, payment: Payment, html: str) -> SafeString:
    return adopt(html, request, widget.data | FormToken.fields(payment))


def choose_only_way(component: PendingCharges) -> None:
    """Show the form at once where there is one way to pay only."""
    payment, ways = component.payment, list(moochers().values())
    if payment is not None and payment.state == Payment.State.PENDING and len(ways) == 1:
        choose(component, payment, ways[0])


def show_payment(
    request: HttpRequest, component: PendingCharges, *, changed: bool = False
) -> HttpResponse:
    """The payment's step, with the form of the only way to pay."""
    choose_only_way(component)
    return responses.show(request, component, changed=changed)


def show_moocher(request: HttpRequest, payment: Payment, identifier: str) -> HttpResponse:
    """The form of one way to pay: its panel, or the payment's page with it."""
    component = PendingCharges(request, responses.widget_of(request), payment=payment)
    if payment.state != Payment.State.PENDING:
        component.focus = True
        in_place = http.is_fragment(request)
        return (
            responses.whole_body(request, component) if in_place else responses.see_other(payment)
        )
    chosen = moochers().get(identifier)
    if chosen is None:
        return _show_unknown_way(request, component)
    choose(component, payment, chosen)
    if http.is_fragment(request) and not component.error:
        return HttpResponse(component.render_panel())
    return responses.whole_body(request, component)


def _show_unknown_way(request: HttpRequest, component: PendingCharges) -> HttpResponse:
    if not http.is_fragment(request):
        raise Http404
    component.error = _("This way to pay is not offered. Please choose another one.")
    component.focus = True
    return responses.whole_body(request, component)


def show_error(
    request: HttpRequest, payment: Payment, moocher: Moocher, error: PaymentsUIError
) -> HttpResponse:
    """The review step again, with what to put right."""
    component = PendingCharges(
        request, responses.widget_of(request), payment=payment, error=error, focus=True
    )
    if isinstance(error, FormInvalidError):
        html = moocher.render_form(request, payment, error.form)
        component.moocher = moocher
        component.form_html = _adopted(request, component.widget, payment, html)
    else:
        choose(component, payment, moocher)
    return responses.show(request, component, status=responses.status_of(error))


def show_refusal(request: HttpRequest, payment: Payment, error: PaymentsUIError) -> HttpResponse:
    """The step the payment is really at, and why it could not be done."""
    component = PendingCharges(
        request,
        responses.widget_of(request),
        payment=payment,
        notice=str(error.message),
        focus=True,
    )
    choose_only_way(component)
    return responses.show(request, component, status=responses.status_of(error), changed=True)


def show_failure(component: PendingCharges, payment: Payment, failed: Attempt) -> None:
    """Why the last attempt failed, with the same way to pay chosen again."""
    component.error = responses.failure_text(failed)
    component.focus = True
    moocher = moochers().get(failed.moocher)
    if moocher is not None:
        choose(component, payment, moocher)
