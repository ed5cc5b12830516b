"""The payment options of a pending payment: their forms, and what is wrong with them."""

from __future__ import annotations

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from payments_ui import http, money, payer
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.components.saved_methods import SavedMethod
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import MoocherError, PaymentsUIError
from payments_ui.flows import payment_methods
from payments_ui.flows.posted import FormInvalidError
from payments_ui.flows.tokens import FormToken
from payments_ui.moochers import form_refill
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.form_adoption import adopt, posts_in_place
from payments_ui.moochers.registry import moochers

from . import responses

logger = logging.getLogger("payments_ui")

_SAVED = "payments_ui/moochers/saved.html"


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
        component.choose(moocher, _adopted(component, payment, html))


def _adopted(component: PendingCharges, payment: Payment, html: str) -> SafeString:
    request = component.request
    hidden = component.widget.data | payer.fields(request) | FormToken.fields(payment)
    return adopt(html, request, hidden)


def choose_saved(component: PendingCharges, payment: Payment, saved: SavedMethod) -> None:
    """Show the one button that charges a saved payment method, or why it cannot."""
    if not component.may_pay:
        return
    moocher, method = saved.moocher, saved.method
    form_html = SafeString("")
    if not saved.refuse(payment):
        context = {
            "method": method,
            "pay_url": moocher.pay_url(payment),
            "pay_label": moocher.pay_label(money.format_amount(payment.amount, payment.currency)),
        }
        html = render_to_string(_SAVED, context, request=component.request)
        form_html = _adopted(component, payment, html)
    component.choose(moocher, form_html, saved=saved)


def preselect(component: PendingCharges) -> None:
    """Choose the saved payment method that comes first, or the site's only payment option."""
    payment, options = component.payment, list(moochers().values())
    if payment is None or payment.state != Payment.State.PENDING:
        return
    saved = next((each for each in component.saved if not each.refuse(payment)), None)
    if saved is not None:
        choose_saved(component, payment, saved)
    elif len(options) == 1:
        choose(component, payment, options[0])


def _choose_again(
    component: PendingCharges, payment: Payment, moocher: Moocher, method_id: object
) -> None:
    """Choose what the user had chosen, as far as it is still offered."""
    same = (each for each in component.saved if str(each.method.pk) == str(method_id))
    if saved := next(same, None):
        choose_saved(component, payment, saved)
    else:
        choose(component, payment, moocher)


def show_payment(request: HttpRequest, payment: Payment, *, notice: str = "") -> HttpResponse:
    """The step of a payment that the user has changed, with the form of the only option."""
    if not http.is_fragment(request):
        url = reverse("payments_ui:payment", kwargs={"pk": payment.pk})
        return responses.tell(request, notice, url) if notice else responses.see(url)
    acted = not http.is_background(request)
    component = responses.pending_charges(request, payment=payment, notice=notice, focus=acted)
    preselect(component)
    return responses.show(request, component, changed=acted, whole=True)


def show_option(request: HttpRequest, payment: Payment, option: str) -> HttpResponse:
    """The form of one payment option: its panel, or the payment's page with it.

    ``option`` is the identifier of a moocher, or with a colon a saved payment method behind it.
    """
    in_place = http.is_fragment(request)
    component = responses.pending_charges(request, payment=payment)
    if payment.state != Payment.State.PENDING:
        component.focus = True
        if not in_place:
            return responses.see_other(payment)
        return responses.show(request, component, whole=True)
    if (chosen := moochers().get(option)) is not None:
        choose(component, payment, chosen)
    elif saved := next((each for each in component.saved if each.option == option), None):
        choose_saved(component, payment, saved)
    elif in_place:
        component.error = _("This payment method is not available. Please choose another one.")
        component.focus = True
    else:
        raise Http404
    if in_place and not component.error:
        return HttpResponse(component.render_panel())
    return responses.show(request, component, whole=True)


def show_error(
    request: HttpRequest, payment: Payment, moocher: Moocher, error: PaymentsUIError
) -> HttpResponse:
    """The review step again, with what to put right."""
    component = responses.pending_charges(request, payment=payment, error=error, focus=True)
    if isinstance(error, FormInvalidError):
        html = moocher.render_form(request, payment, error.form)
        component.choose(moocher, _adopted(component, payment, html))
    else:
        _choose_again(component, payment, moocher, request.POST.get(payment_methods.METHOD))
    return responses.show(request, component, status=responses.status_of(error))


def show_refusal(request: HttpRequest, payment: Payment, error: PaymentsUIError) -> HttpResponse:
    """The step the payment is really at, and why the request was refused."""
    notice = str(error.message)
    component = responses.pending_charges(request, payment=payment, notice=notice, focus=True)
    preselect(component)
    return responses.show(request, component, status=responses.status_of(error), changed=True)


def show_failure(component: PendingCharges, payment: Payment, failed: Attempt) -> None:
    """Why the last attempt failed, with the same payment option chosen again."""
    component.error = responses.failure_text(failed)
    component.focus = True
    moocher = moochers().get(failed.moocher)
    if moocher is not None:
        form_refill.bring_back(component.request, failed.pk)
        _choose_again(component, payment, moocher, failed.payment_method_id)
