"""Calling an attempt off, and giving a payment up."""

from __future__ import annotations

from django.http import HttpRequest

from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Payment
from payments_ui.exceptions import AlreadyChargedError, AttemptOpenError
from payments_ui.moochers.registry import moochers

from . import psp_call


def cancel_attempt(payment: Payment, request: HttpRequest | None = None) -> None:
    """Call an open attempt off, so that another way to pay can be chosen.

    Raises ``AttemptOpenError`` where the PSP did not confirm, ``AlreadyChargedError``
    where the money was taken meanwhile. No open attempt: nothing to do.
    """
    opened = payment.open_attempt
    if opened is None:
        return
    moocher = moochers().get(opened.moocher)
    if moocher is None:
        raise AttemptOpenError(f"{opened}: its moocher is not listed any more")
    outcome = psp_call.answer_later(opened, lambda: moocher.cancel(opened))
    failpoints.hit(Point.CANCEL_AFTER_PSP)
    attempt = psp_call.write_down(opened, outcome, request)
    payment.refresh_from_db()
    if attempt.is_open:
        raise AttemptOpenError(f"{attempt} could not be called off")
    if payment.charged_at:
        raise AlreadyChargedError(f"{payment.pk} was charged meanwhile")


def cancel(payment: Payment, *, by: str, request: HttpRequest | None = None) -> None:
    """Give a pending payment up; its items return to the list. Raises ``PaymentStateError``."""
    cancel_attempt(payment, request)
    payment.cancel_pending(by=by)
