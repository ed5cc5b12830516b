"""The payment options of a pending payment: their forms, and what is wrong with them."""

from __future__ import annotations

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from payments_ui import http, payer
from payments_ui.components.pending_charges import PendingCharges
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
    """Show the form of this payment option, or why it cannot take the payment."""
    if not component.may_pay:
        return
    component.choose(moocher)
    if moocher.refuse(payment):
        return
    request = component.request
    try:
        html = moocher.payment_form(request, payment)
    except Exception:
        # A customer can still choose another option.
        logger.exception("The form of moocher %s failed", moocher.identifier)
        component.error = component.error or MoocherError()
        return
    if http.is_fragment(request) and not posts_in_place(html):
        # A form that brings scripts of its own works on a page of its own only.
        context = {"moocher": moocher, "payment": payment, "pay_url": moocher.pay_url(payment)}
        own_page = "payments_ui/moochers/own_page.html"
        component.choose(moocher, render_to_string(own_page, context, request=request))
    else:
        _choose_with_form(component, payment, moocher, html)


def _choose_with_form(
    component: PendingCharges, payment: Payment, moocher: Moocher, html: str
) -> None:
    request = component.request
    hidden = component.widget.data | payer.fields(request) | FormToken.fields(payment)
    component.choose(moocher, adopt(html, request, hidden))


def choose_only_option(component: PendingCharges) -> None:
    """Show the form at once where the site offers one payment option only."""
    payment, options = component.payment, list(moochers().values())
    if payment is not None and payment.state == Payment.State.PENDING and len(options) == 1:
        choose(component, payment, options[0])


def show_payment(request: HttpRequest, payment: Payment) -> HttpResponse:
    """The step of a payment that the user has changed, with the form of the only option."""
    if not http.is_fragment(request):
        return responses.see_other(payment)
    component = responses.pending_charges(request, payment=payment, focus=True)
    choose_only_option(component)
    return responses.show(request, component, changed=True)


def show_moocher(request: HttpRequest, payment: Payment, identifier: str) -> HttpResponse:
    """The form of one payment option: its panel, or the payment's page with it."""
    in_place = http.is_fragment(request)
    component = responses.pending_charges(request, payment=payment)
    if payment.state != Payment.State.PENDING:
        component.focus = True
        if not in_place:
            return responses.see_other(payment)
        return responses.show(request, component, whole=True)
    chosen = moochers().get(identifier)
    if chosen is not None:
        choose(component, payment, chosen)
        if in_place and not component.error:
            return HttpResponse(component.render_panel())
    elif in_place:
        component.error = _("This payment method is not available. Please choose another one.")
        component.focus = True
    else:
        raise Http404
    return responses.show(request, component, whole=True)


def show_error(
    request: HttpRequest, payment: Payment, moocher: Moocher, error: PaymentsUIError
) -> HttpResponse:
    """The review step again, with what to put right."""
    component = responses.pending_charges(request, payment=payment, error=error, focus=True)
    if isinstance(error, FormInvalidError):
        html = moocher.render_form(request, payment, error.form)
        _choose_with_form(component, payment, moocher, html)
    else:
        choose(component, payment, moocher)
    return responses.show(request, component, status=responses.status_of(error))


def show_refusal(request: HttpRequest, payment: Payment, error: PaymentsUIError) -> HttpResponse:
    """The step the payment is really at, and why the request was refused."""
    notice = str(error.message)
    component = responses.pending_charges(request, payment=payment, notice=notice, focus=True)
    choose_only_option(component)
    return responses.show(request, component, status=responses.status_of(error), changed=True)


def show_failure(component: PendingCharges, payment: Payment, failed: Attempt) -> None:
    """Why the last attempt failed, with the same payment option chosen again."""
    component.error = responses.failure_text(failed)
    component.focus = True
    moocher = moochers().get(failed.moocher)
    if moocher is not None:
        choose(component, payment, moocher)
