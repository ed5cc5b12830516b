"""Saved payment methods: the list, a new one, the default, removal, and coming back from a PSP."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payments_ui import http, payer
from payments_ui.components.payment_methods import PaymentMethods
from payments_ui.core import journal
from payments_ui.core.models import PaymentMethod
from payments_ui.exceptions import MoocherError, PaymentMethodGoneError, PaymentsUIError
from payments_ui.flows import payment_methods, tokens
from payments_ui.flows.posted import FormInvalidError
from payments_ui.moochers import form_refill
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.form_adoption import adopt
from payments_ui.moochers.registry import moochers

from . import access, responses

logger = logging.getLogger("payments_ui")


@access.for_user
@require_safe
def methods(request: HttpRequest) -> HttpResponse:
    """The list."""
    in_place = http.is_fragment(request) and not http.is_background(request)
    return _list(request, page=responses.page_number(request), focus=in_place)


@access.for_user
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, identifier: str) -> HttpResponseBase:
    """The form by which a moocher saves a payment method without a payment; POST saves it."""
    moocher = moochers().get(identifier)
    if moocher is None or not moocher.can_save:
        raise Http404
    if request.method != "POST":
        return _form(request, moocher)
    payer.check_may_pay(request, must_say=True)
    try:
        method = payment_methods.begin_saving(request, moocher, request.POST)
    except PaymentsUIError as error:
        return _form(request, moocher, error)
    if method.state != PaymentMethod.State.ACTIVE:
        form_refill.keep(request, partial(moocher.get_setup_form, request), method.pk)
    if not http.is_fragment(request):
        return responses.see(reverse("payments_ui:method", kwargs={"pk": method.pk}))
    if method.state == PaymentMethod.State.PENDING and method.action_url:
        return http.leave(method.action_url)
    return _state(request, method, changed=True)


@access.for_user
@require_safe
def method(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What has become of a payment method. Asks the PSP while it is being saved."""
    found = payment_methods.refresh(access.method_of(request, pk))
    if not http.is_background(request):
        return _state(request, found)
    if found.state != PaymentMethod.State.PENDING:
        return _state(request, found, focus=False, whole=True, changed=True)
    component = _component(request, method=found)
    news = component.refresh(request.GET.get("seen", ""))
    return responses.news(component.widget, news) if news else HttpResponse(status=204)


@access.for_user
@require_POST
def default(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have payments begin with this payment method."""
    found = access.method_of(request, pk)
    try:
        found.make_default(by=journal.by_user(request.user))
    except PaymentMethodGoneError as error:
        return _list(request, error=error, focus=True, status=responses.status_of(error))
    notice = _("%(label)s is now your default.") % {"label": found.label}
    return _done(request, notice)


@access.for_user
@require_http_methods(["GET", "HEAD", "POST"])
def removal(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask whether to remove a payment method; POST removes it, here and at the PSP."""
    found = access.method_of(request, pk)
    if found.state not in (PaymentMethod.State.PENDING, PaymentMethod.State.ACTIVE):
        return _gone(request)
    if request.method != "POST":
        component = _component(request, method=found, removes=True, focus=True)
        return responses.show(request, component)
    label = found.label
    removed = found.remove(by=journal.by_user(request.user))
    if found.state == PaymentMethod.State.PENDING:
        return _done(request, _("Nothing was saved."))
    if removed.state == PaymentMethod.State.REMOVED:
        return _done(request, _("%(label)s was removed.") % {"label": label})
    text = _("%(label)s can no longer be charged here. We are having it deleted.")
    return _done(request, text % {"label": label})


@access.for_user
@require_POST
def step(request: HttpRequest, pk: UUID) -> JsonResponse:
    """What the PSP's script needs to take the step in place, as JSON; 409 as of an attempt."""
    found = access.method_of(request, pk)
    return responses.browser_step(found if found.state == PaymentMethod.State.PENDING else None)


@csrf_exempt
@access.for_anybody
@require_http_methods(["GET", "HEAD", "POST"])
def return_from_psp(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Where a PSP sends the browser after a payment method was saved, or not.

    Believes no parameter: asks the PSP where its owner comes back. A POST is another site's and so
    brings no cookies: it is answered by a redirect, which brings them.
    """
    back = request.GET.get("back", "")
    query = {"back": back} if back else None
    if request.method == "POST":
        return responses.see(reverse("payments_ui:method_return", kwargs={"pk": pk}, query=query))
    if payer.payer_of(request) is not None:
        with suppress(Http404):  # the page that follows says so
            payment_methods.come_back(access.method_of(request, pk))
    return responses.see(reverse("payments_ui:method", kwargs={"pk": pk}, query=query))


def _state(
    request: HttpRequest, found: PaymentMethod, *, focus: bool | None = None, **answer: Any
) -> HttpResponse:
    """The step that is being taken, the form again where it failed, or else the list."""
    focus = http.is_fragment(request) if focus is None else focus
    if found.state == PaymentMethod.State.PENDING:
        component = _component(request, method=found, focus=focus)
        return responses.show(request, component, **answer)
    if found.state == PaymentMethod.State.ACTIVE:
        notice = _("%(label)s is saved.") % {"label": found.label}
        return _list(request, notice=notice, focus=focus, **answer)
    if found.state == PaymentMethod.State.FAILED:
        error = _("Nothing was saved. %(reason)s") % {"reason": found.failure_message}
        moocher = moochers().get(found.moocher)
        if moocher is None:
            return _list(request, error=error, focus=focus, **answer)
        form_refill.bring_back(request, found.pk)
        return _form(request, moocher, error, focus=focus, **answer)
    return _gone(request, focus=focus, **answer)


def _form(
    request: HttpRequest,
    moocher: Moocher,
    error: PaymentsUIError | str | None = None,
    *,
    focus: bool = True,
    **answer: Any,
) -> HttpResponse:
    """The form of a moocher, with what to put right."""
    component = _component(request, moocher=moocher, error=error, focus=focus)
    action = reverse("payments_ui:method_setup", kwargs={"identifier": moocher.identifier})
    try:
        if isinstance(error, FormInvalidError):
            html = moocher.render_setup_form(request, action, error.form)
        else:
            html = moocher.setup_form(request, action)
    except Exception:
        logger.exception("The set-up form of moocher %s failed", moocher.identifier)
        component.error = component.error or MoocherError()
    else:
        hidden = component.widget.data | payer.fields(request)
        component.form_html = adopt(html, request, hidden)
    status = responses.status_of(error) if isinstance(error, PaymentsUIError) else 200
    return responses.show(request, component, status=status, **answer)


def _done(request: HttpRequest, notice: str) -> HttpResponse:
    """The list after the user's own action."""
    if not http.is_fragment(request):
        return responses.tell(request, notice, reverse("payments_ui:methods"))
    return _list(request, notice=notice, focus=True, changed=True)


def _gone(request: HttpRequest, *, focus: bool = True, **answer: Any) -> HttpResponse:
    """The list, and why the payment method is not in it."""
    notice = _("This payment method was removed.")
    return _list(request, notice=notice, focus=focus, status=410, **answer)


def _list(
    request: HttpRequest,
    *,
    page: int = 1,
    notice: str = "",
    error: PaymentsUIError | str | None = None,
    focus: bool = False,
    **answer: Any,
) -> HttpResponse:
    component = _component(request, page=page, notice=notice, error=error, focus=focus)
    return responses.show(request, component, **answer)


def _component(request: HttpRequest, **options: Any) -> PaymentMethods:
    component = PaymentMethods(request, responses.widget_of(request, PaymentMethods), **options)
    with suppress(signing.BadSignature):
        component.back_url = tokens.ReturnToken.read(request.GET.get("back", ""))[1]
    return component
