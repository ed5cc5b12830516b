"""Run the view that a moocher's form posts to, with an attempt open around it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, QueryDict

from payments_ui.core.attempts.outcomes import Declined, Outcome, Pending, Unknown
from payments_ui.core.models import Attempt, Payment
from payments_ui.core.payments import saving
from payments_ui.flows import pay as flow
from payments_ui.flows import psp_call
from payments_ui.flows.tokens import AMOUNT, TOKEN, FormToken
from payments_ui.mooch.moocher import MoochWrapper, NotChargedError

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
    if response.status_code >= 400:
        return Unknown(reason=f"its view answered {response.status_code}")
    # Changes nothing where the view saved a charge; else the payment waits for its money.
    return Pending()


def _without_our_fields(posted: QueryDict) -> QueryDict:
    theirs = posted.copy()
    for name in posted:
        if name in {TOKEN, AMOUNT, "csrfmiddlewaretoken", "w"} or name.startswith("w-"):
            del theirs[name]
    return theirs
