"""Take a PSP's callback, or a browser that comes back with one, in any order and number."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction
from django.http import HttpRequest

from payments_ui.core import journal
from payments_ui.core.attempts import arrivals
from payments_ui.core.attempts.outcomes import DeclineCode, Declined, Outcome, Pending, Succeeded
from payments_ui.core.db.locks import retrying
from payments_ui.core.models import Attempt, Payment
from payments_ui.exceptions import PaymentStateError
from payments_ui.mooch.moocher import Callback, MoochWrapper, Status


def take(request: HttpRequest, moocher: MoochWrapper) -> Payment | None:
    """Record what a callback says; return its payment, ``None`` for an unknown one.

    The moocher's own view does not run: it would believe more than the signature proves,
    and send ``post_charge`` each time. Raises ``WebhookSignatureError``.
    """
    callback = moocher.verify_callback(request)
    payment: Payment | None = Payment.all_objects.filter(pk=callback.payment_id).first()
    attempt = None if payment is None else _attempt(payment, moocher)
    if callback.status is Status.CHARGED:
        _record_charge(attempt, moocher, callback, request)
    elif attempt is not None:
        outcomes: dict[Status, Outcome] = {
            Status.PENDING: Pending(psp_reference=callback.psp_reference),
            Status.DECLINED: Declined(code=DeclineCode.CARD_DECLINED),
            Status.ABANDONED: Declined(code=DeclineCode.ABANDONED),
        }
        attempt.record(outcomes[callback.status])
    if payment is not None:
        payment.reread()
    return payment


def _attempt(payment: Payment, moocher: MoochWrapper) -> Attempt | None:
    """The latest attempt at this PSP; a new one where a template of the site showed the form."""
    attempts = payment.attempts.filter(moocher=moocher.identifier).order_by("-started_at")
    attempt: Attempt | None = attempts.first()
    if attempt is None and payment.state == Payment.State.PENDING:
        # Another callback may start it at the same moment.
        with suppress(PaymentStateError):
            return payment.start_attempt(moocher=moocher.identifier)
        attempt = attempts.first()
    return attempt


@retrying
def _record_charge(
    attempt: Attempt | None, moocher: MoochWrapper, callback: Callback, request: HttpRequest
) -> None:
    with transaction.atomic():
        reference = callback.payment_id.hex
        if attempt is not None:
            # Of two callbacks at once, the later one may report other money.
            current: Attempt = attempt.lock_payment().attempts.get(pk=attempt.pk)
            is_same_money = current.psp_reference in (None, callback.psp_reference)
            if is_same_money or current.state not in Attempt.ARRIVED:
                money_in = Succeeded(
                    psp_reference=callback.psp_reference,
                    amount=callback.amount,
                    currency=callback.currency,
                    evidence=callback.evidence,
                )
                by = journal.by_moocher(moocher.identifier)
                current.settle(money_in, by=by, request=request)
                return
            reference = current.psp_reference or ""
        arrivals.book_arrival(
            moocher=moocher.identifier,
            psp_reference=reference,
            amount=callback.amount,
            currency=callback.currency,
            event_id=callback.psp_reference,
        )
