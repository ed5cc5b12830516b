"""Calling an attempt off at its PSP, and giving a payment up."""

from __future__ import annotations

from django.http import HttpRequest

from payments_ui.core.attempts.outcomes import Cancelled
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Payment
from payments_ui.exceptions import AlreadyChargedError, AttemptOpenError
from payments_ui.moochers.registry import moochers

from . import psp_call


def cancel_attempt(payment: Payment, request: HttpRequest | None = None) -> None:
    """Call the open attempt off, if there is one, so that another payment option can be chosen.

    Raises ``AttemptOpenError`` where the PSP did not confirm, and ``AlreadyChargedError``
    where the money was taken meanwhile.
    """
    opened = payment.open_attempt
    if opened is None:
        return
    moocher = moochers().get(opened.moocher)
    if moocher is not None:
        outcome = psp_call.ask_psp(
            opened, lambda: moocher.cancel(opened), sent_at=opened.started_at
        )
    elif opened.manual:
        # People book its money: no PSP was asked, so none has to confirm.
        outcome = Cancelled(psp_reference=opened.psp_reference)
    else:
        raise AttemptOpenError(f"{opened}: its moocher is not listed any more")
    failpoints.hit(Point.CANCEL_AFTER_PSP)
    attempt = psp_call.save_outcome(opened, outcome, request=request)
    payment.reread()
    if attempt.is_open:
        raise AttemptOpenError(f"{attempt} could not be called off")
    if payment.charged_at:
        raise AlreadyChargedError(f"{payment.pk} was charged meanwhile")


def cancel(
    payment: Payment, *, by: str, reason: str = "", request: HttpRequest | None = None
) -> None:
    """Give a pending payment up; its line items return to the list.

    Raises ``PaymentStateError``, as ``cancel_attempt`` and ``cancel_pending`` do.
    """
    cancel_attempt(payment, request)
    payment.cancel_pending(by=by, reason=reason)
