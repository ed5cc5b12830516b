"""Paying with a moocher, and coming back from its PSP."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from payments_ui import flows, http
from payments_ui.components.pending_charges import PendingCharges
from payments_ui.conf import settings
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import PaymentStateError, PaymentsUIError, TooManyAttemptsError
from payments_ui.flows.paying import RETURN_SALT, FormInvalidError
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.foreign import Foreign
from payments_ui.moochers.registry import moochers

from . import access, answers


@require_http_methods(["GET", "HEAD", "POST"])
@access.for_user
def moocher(request: HttpRequest, pk: UUID, identifier: str) -> HttpResponseBase:
    """The moocher's form; POST pays with it."""
    found = access.payment_of(request, pk)
    chosen = moochers().get(identifier)
    if request.method != "POST" or chosen is None:
        return answers.show_moocher(request, found, identifier)
    if isinstance(chosen, Foreign) and not chosen.leaves_site:
        raise Http404  # its own view is the way in
    return pay(request, found, chosen)


def pay(request: HttpRequest, found: Payment, chosen: Moocher) -> HttpResponseBase:
    """Pay with one of our moochers, and show what came of it."""
    try:
        attempt = flows.pay(request, found, chosen, request.POST)
    except FormInvalidError as error:
        html = chosen.render_form(request, found, error.form)
        return _again(request, found, chosen, html=html, status=422)
    except PaymentStateError as error:
        return answers.show_refusal(request, access.payment_of(request, found.pk), error)
    except PaymentsUIError as error:
        status = 429 if isinstance(error, TooManyAttemptsError) else 409
        return _again(request, found, chosen, error=error, status=status)
    return outcome(request, attempt, chosen)


def _again(
    request: HttpRequest,
    found: Payment,
    chosen: Moocher,
    *,
    status: int,
    html: str | None = None,
    error: PaymentsUIError | None = None,
) -> HttpResponse:
    """The review step again, with what to put right."""
    widget = answers.widget_of(request)
    form_html = (
        answers.form_html(request, widget, found, chosen)
        if html is None
        else answers.adopted(request, widget, found, html)
    )
    component = PendingCharges(
        request,
        widget,
        payment=found,
        moocher=chosen,
        form_html=form_html,
        error=error or _("Please check what you entered. Nothing was charged."),
        focus=True,
    )
    return answers.show(request, component, status=status)


def outcome(request: HttpRequest, attempt: Attempt, chosen: Moocher) -> HttpResponse:
    """What became of an attempt: the next state of the widget, or of the page."""
    found = access.payment_of(request, attempt.payment_id)
    failed = attempt.state == Attempt.State.FAILED
    if not http.is_fragment(request):
        return answers.see_other(found, **({"failed": attempt.reference} if failed else {}))
    if attempt.state == Attempt.State.REQUIRES_ACTION and attempt.action_url:
        return http.leave(attempt.action_url)
    widget = answers.widget_of(request)
    component = PendingCharges(request, widget, payment=found, focus=True)
    if failed:
        component.moocher = chosen
        component.form_html = answers.form_html(request, widget, found, chosen)
        component.error = answers.failure_text(attempt)
    return answers.show(request, component, changed=True)


@require_GET
@access.for_anybody
def return_from_psp(request: HttpRequest, pk: UUID, identifier: str) -> HttpResponse:
    """Where a PSP sends the browser. Believes no parameter: asks the PSP.

    Works without a session: then it says how it stands, and nothing about the person.
    """
    try:
        attempt_id = signing.loads(request.GET.get("attempt", ""), salt=RETURN_SALT)
    except signing.BadSignature as error:
        raise Http404 from error
    ours = Attempt.objects.select_related("payment__user").filter(payment=pk, moocher=identifier)
    attempt = get_object_or_404(ours, pk=UUID(attempt_id))
    found = flows.refresh(attempt.payment, request, at_once=True)
    if request.user.is_authenticated and request.user.pk == found.user_id:
        attempt = ours.get(pk=attempt.pk)
        failed = attempt.state == Attempt.State.FAILED
        return answers.see_other(found, **({"failed": attempt.reference} if failed else {}))
    context = {
        "payment": found,
        "state": found.state,
        "base_template": settings.BASE_TEMPLATE,
        "title": _("Payment"),
    }
    return render(request, "payments_ui/pages/returned.html", context)
