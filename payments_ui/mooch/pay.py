"""Run the view that a moocher's form posts to, with an attempt open around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch

from payments_ui import http
from payments_ui.core.attempts.outcomes import (
    ActionRequired,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Unknown,
)
from payments_ui.core.models import Attempt, Payment
from payments_ui.core.payments import saving
from payments_ui.flows import pay as flow
from payments_ui.flows import psp_call
from payments_ui.flows.tokens import AMOUNT, TOKEN, FormToken
from payments_ui.mooch.moocher import MoochWrapper, NotChargedError
from payments_ui.payer import payer_of

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

View = Callable[[], HttpResponseBase]


def pay(request: HttpRequest, payment: Payment, moocher: MoochWrapper, view: View) -> Attempt:
    """Run ``view`` once for a payment of the user's own; return the attempt as it is then.

    The open attempt keeps everything else from charging the payment meanwhile. The form's
    token and amount are checked where the kit rendered the form. Raises the errors of
    ``flows.pay.pay``, all before the view runs.
    """
    if repeated := flow.repeated_post(payment, request.POST):
        return repeated
    nonce = FormToken.check(payment, request.POST) if TOKEN in request.POST else None
    flow.check_payable(payment, moocher)
    attempt, is_first = flow.start(request, payment, moocher, nonce)
    if not is_first:
        return attempt
    return psp_call.charge(attempt, lambda: _run(request, attempt, moocher, view), request)


def _run(request: HttpRequest, attempt: Attempt, moocher: MoochWrapper, view: View) -> Outcome:
    posted = request.POST
    # The moocher may write everything that was posted into the payment: nothing of the kit's.
    request.POST = _without_our_fields(posted)  # type: ignore[assignment]
    try:
        with saving.charging(attempt, moocher.verify_charge):
            response = view()
    except NotChargedError as error:
        return Declined(code=error.decline)
    finally:
        request.POST = posted
    # Changes nothing where the view saved a charge.
    return _outcome(request, moocher, response)


def come_back(request: HttpRequest, moocher: MoochWrapper, response: HttpResponseBase) -> None:
    """Record a decline where a customer came back from the PSP, and the view says failure."""
    payer = payer_of(request)
    if payer is None:
        return
    waiting = Attempt.objects.filter(
        payment__user=payer.user.pk,
        moocher=moocher.identifier,
        state=Attempt.State.REQUIRES_ACTION,
    )
    outcome = _outcome(request, moocher, response)
    # With several, the view does not say which of them it is about.
    if isinstance(outcome, Declined) and len(attempts := list(waiting[:2])) == 1:
        attempts[0].record(outcome)


def _outcome(request: HttpRequest, moocher: MoochWrapper, response: HttpResponseBase) -> Outcome:
    """What the moocher's own answer says about a payment that its view did not charge."""
    if response.status_code >= 400:
        return Unknown(reason=f"its view answered {response.status_code}")
    location = response.headers.get("Location", "")
    succeeded = _leads_to(request, location, moocher.success_url)
    failed = _leads_to(request, location, moocher.failure_url)
    if failed and not succeeded:
        return Declined(code=DeclineCode.GENERIC)
    if moocher.manual or (succeeded and not failed):
        return Pending()
    if location and not http.is_of_site(request, location):
        return ActionRequired(url=location)
    # A person decides in the admin, and the customer reads that the payment is being checked.
    return Unknown(reason="its view neither saved a charge nor says whether it failed")


def _leads_to(request: HttpRequest, location: str, page: str | _StrPromise) -> bool:
    """Whether a redirect leads to this page; the view may have added a query of its own."""
    try:
        url = resolve_url(page)
    except NoReverseMatch:
        url = str(page)
    target, wanted = (urlsplit(request.build_absolute_uri(each)) for each in (location, url))
    is_same = (target.netloc, target.path) == (wanted.netloc, wanted.path)
    return (
        bool(location) and is_same and set(parse_qsl(wanted.query)) <= set(parse_qsl(target.query))
    )


def _without_our_fields(posted: QueryDict) -> QueryDict:
    theirs = posted.copy()
    for name in posted:
        if name in {TOKEN, AMOUNT, "csrfmiddlewaretoken", "w"} or name.startswith("w-"):
            del theirs[name]
    return theirs
