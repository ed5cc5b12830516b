"""Running a view of django-mooch's with the protection it lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, QueryDict

from payments_ui.core import journal
from payments_ui.core.attempts import settlement, transitions
from payments_ui.core.attempts.outcomes import (
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
    Unknown,
)
from payments_ui.core.db.locks import lock_payment, retrying
from payments_ui.core.models import Attempt, Payment
from payments_ui.core.payments import saving
from payments_ui.exceptions import PaymentStateError
from payments_ui.flows import pay, psp_call
from payments_ui.flows.tokens import AMOUNT, TOKEN, FormToken
from payments_ui.mooch.moocher import Claim, Foreign, ForeignDeclinedError, Status

Call = Callable[[], HttpResponseBase]


def submit(request: HttpRequest, payment: Payment, moocher: Foreign, call: Call) -> Attempt:
    """Run the view its form posts to, for a payment of the user's own.

    An attempt is open while the view runs, so that nothing else charges the payment. The
    form's token and amount are checked where the kit rendered the form. Raises the same
    errors as ``pay``, all before the view runs.
    """
    if repeated := pay.repeated_post(payment, request.POST):
        return repeated
    nonce = FormToken.check(payment, request.POST) if TOKEN in request.POST else None
    pay.check_payable(payment, moocher)
    attempt, is_first = pay.start(request, payment, moocher, nonce)
    if not is_first:
        return attempt
    return psp_call.charge(attempt, lambda: _run(request, attempt, moocher, call), request)


def _run(request: HttpRequest, attempt: Attempt, moocher: Foreign, call: Call) -> Outcome:
    try:
        with _without_our_fields(request), saving.guarded(attempt, moocher.confirm):
            response = call()
    except ForeignDeclinedError as error:
        return Declined(code=error.decline)
    if response.status_code >= 400:
        return Unknown(reason=f"its view answered {response.status_code}")
    # Settled by its save already, and then this changes nothing; else it waits for money.
    return Pending()


@contextmanager
def _without_our_fields(request: HttpRequest) -> Iterator[None]:
    # It may write all it was posted into the payment.
    posted = request.POST
    left = posted.copy()
    ours = [name for name in posted if name == "w" or name.startswith("w-")]
    for name in (TOKEN, AMOUNT, "csrfmiddlewaretoken", *ours):
        left.pop(name, None)
    _replace_post(request, left)
    try:
        yield
    finally:
        _replace_post(request, posted)


def _replace_post(request: HttpRequest, data: QueryDict) -> None:
    # Django's stubs know the parsed one only.
    request.POST = data  # type: ignore[assignment]


def call_back(request: HttpRequest, moocher: Foreign) -> Payment | None:
    """A PSP's callback or a browser that comes back with one, in any order and number.

    Its own view is not run: it would believe more than is proven, and signal each time.
    Returns the payment, or ``None`` if nobody knows it. Raises ``WebhookSignatureError``.
    """
    claim = moocher.read(request)
    payment: Payment | None = Payment.all_objects.filter(pk=claim.payment_id).first()
    attempt = None if payment is None else _attempt(payment, moocher)
    if claim.status is Status.CHARGED:
        _charged(attempt, moocher, claim, request)
    elif attempt is not None:
        transitions.record(attempt, _outcome(claim))
    if payment is not None:
        payment.refresh_from_db()
    return payment


def _attempt(payment: Payment, moocher: Foreign) -> Attempt | None:
    asked = payment.attempts.filter(moocher=moocher.identifier).order_by("-started_at")
    attempt: Attempt | None = asked.first()
    if attempt is None and payment.state == Payment.State.PENDING:
        # Its form was shown by a template of the host's.
        # Another callback at the same time may start it first.
        with suppress(PaymentStateError):
            return transitions.start(payment, moocher=moocher.identifier)
        attempt = asked.first()
    return attempt


def _outcome(claim: Claim) -> Outcome:
    if claim.status is Status.PENDING:
        return Pending(psp_reference=claim.psp_reference)
    abandoned = claim.status is Status.ABANDONED
    return Declined(code=DeclineCode.ABANDONED if abandoned else DeclineCode.CARD_DECLINED)


@retrying
def _charged(attempt: Attempt | None, moocher: Foreign, claim: Claim, request: HttpRequest) -> None:
    if attempt is None:
        _book(moocher, claim, claim.payment_id.hex)
        return
    with transaction.atomic():
        # Under the lock: of two callbacks at once, the later one may be of other money.
        lock_payment(attempt.payment_id)
        _book_or_settle(Attempt.objects.get(pk=attempt.pk), moocher, claim, request)


def _book_or_settle(attempt: Attempt, moocher: Foreign, claim: Claim, request: HttpRequest) -> None:
    if _is_other_money(attempt, claim):
        _book(moocher, claim, attempt.psp_reference or "")
        return
    money_in = Succeeded(
        psp_reference=claim.psp_reference,
        amount=claim.amount,
        currency=claim.currency,
        evidence=claim.evidence,
    )
    by = journal.by_moocher(moocher.identifier)
    settlement.settle(attempt, money_in, by=by, request=request)


def _is_other_money(attempt: Attempt, claim: Claim) -> bool:
    """Whether the customer paid twice: the attempt's money came, and this is not it."""
    same = attempt.psp_reference in (None, claim.psp_reference)
    return attempt.state in Attempt.ARRIVED and not same


def _book(moocher: Foreign, claim: Claim, psp_reference: str) -> None:
    settlement.book_arrival(
        moocher=moocher.identifier,
        psp_reference=psp_reference,
        amount=claim.amount,
        currency=claim.currency,
        event_id=claim.psp_reference,
    )
