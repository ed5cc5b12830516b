"""Running a view of django-mooch's with the protection it lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponseBase

from payments_ui.core import attempts, foreign, journal, settlement
from payments_ui.core.models import Attempt, Payment
from payments_ui.core.outcomes import DeclineCode, Declined, Outcome, Pending, Succeeded, Unknown
from payments_ui.moochers.foreign import Claim, Foreign, ForeignDeclinedError, Status

from . import asking, paying
from .tokens import AMOUNT, TOKEN, FormToken

if TYPE_CHECKING:
    from django.http import QueryDict

Call = Callable[[], HttpResponseBase]


def submit(request: HttpRequest, payment: Payment, moocher: Foreign, call: Call) -> Attempt:
    """Run the view its form posts to, for a payment of the user's own.

    An attempt is open while the view runs, so that nothing else charges the payment. The
    form's token and amount are checked where the kit rendered the form. Raises the same
    errors as ``pay``, all before the view runs.
    """
    nonce = FormToken.check(payment, request.POST) if TOKEN in request.POST else None
    if nonce and (repeated := payment.attempts.filter(form_token=nonce).first()):
        return repeated
    paying.check_payable(payment, moocher)
    asking.forbid_transaction()
    try:
        attempt = paying.start(request, payment, moocher, nonce)
    except IntegrityError:
        return payment.attempts.get(form_token=nonce)
    request.POST = _without_ours(request.POST)
    return asking.ask(attempt, lambda: _run(attempt, moocher, call), request)


def _run(attempt: Attempt, moocher: Foreign, call: Call) -> Outcome:
    try:
        with foreign.guarded(attempt, moocher.confirm):
            response = call()
    except ForeignDeclinedError as error:
        return Declined(code=error.decline)
    if response.status_code >= 400:
        return Unknown(reason=f"its view answered {response.status_code}")
    # Settled by its save already, and then this changes nothing; else it waits for money.
    return Pending()


def _without_ours(data: QueryDict) -> QueryDict:
    # It may write all it was posted into the payment.
    left = data.copy()
    for name in (TOKEN, AMOUNT, "csrfmiddlewaretoken", *(n for n in data if n.startswith("w-"))):
        left.pop(name, None)
    return left


def call_back(request: HttpRequest, moocher: Foreign, call: Call) -> Payment | None:
    """A PSP's callback or a browser that comes back with one, in any order and number.

    Verified and compared here before its view sees it. Returns the payment, or ``None``
    if nobody knows it. Raises ``WebhookSignatureError``.
    """
    claim = moocher.read(request)
    payment = Payment.all_objects.filter(pk=claim.payment_id).first()
    attempt = payment and _attempt(payment, moocher)
    if claim.status is Status.CHARGED:
        _charged(attempt, moocher, claim, call)
    elif attempt is not None:
        attempts.record(attempt, _outcome(claim))
    if payment is not None:
        payment.refresh_from_db()
    return payment


def _attempt(payment: Payment, moocher: Foreign) -> Attempt | None:
    asked = payment.attempts.filter(moocher=moocher.identifier).order_by("-started_at")
    attempt: Attempt | None = asked.first()
    if attempt is None and payment.state == Payment.State.PENDING:
        # Its form was shown by a template of the host's.
        attempt = attempts.start(payment, moocher=moocher.identifier)
    return attempt


def _outcome(claim: Claim) -> Outcome:
    if claim.status is Status.PENDING:
        return Pending(psp_reference=claim.psp_reference or None)
    abandoned = claim.status is Status.ABANDONED
    return Declined(code=DeclineCode.ABANDONED if abandoned else DeclineCode.CARD_DECLINED)


def _charged(attempt: Attempt | None, moocher: Foreign, claim: Claim, call: Call) -> None:
    if attempt is None:
        _unmatched(moocher, claim)
        return
    fits = (claim.amount, claim.currency) == (attempt.amount, attempt.currency)
    if fits and attempt.is_open:
        # Its save charges the payment, unless somebody was first; then it signals.
        with foreign.guarded(attempt, moocher.confirm):
            call()
        return
    money_in = Succeeded(
        psp_reference=claim.psp_reference, amount=claim.amount, currency=claim.currency
    )
    settlement.settle(attempt, money_in, by=journal.by_moocher(moocher.identifier))


def _unmatched(moocher: Foreign, claim: Claim) -> None:
    settlement.book_arrival(
        moocher=moocher.identifier,
        psp_reference=claim.payment_id.hex,
        amount=claim.amount,
        currency=claim.currency,
        event_id=claim.psp_reference or claim.payment_id.hex,
    )
