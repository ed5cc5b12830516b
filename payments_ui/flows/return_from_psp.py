"""The customer looks at a payment, or comes back from the PSP: the PSP is asked what is true."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.http import HttpRequest
from django.utils import timezone

from payments_ui.core.models import Attempt, Payment

from . import psp_call

#: At least so long between two questions about an attempt, however many pages look at it.
AT_MOST_EVERY = dt.timedelta(seconds=3)
#: For so long the request that started an attempt may be waiting for the PSP itself.
STILL_ASKING = dt.timedelta(seconds=30)


def refresh(payment: Payment, request: HttpRequest | None = None) -> Payment:
    """Ask the PSP about the open attempt, unless another request asked just now.

    Returns the payment as it is then.
    """
    attempt = payment.open_attempt
    moocher = None if attempt is None else psp_call.moocher_for(attempt)
    if attempt is not None and moocher is not None and _claim_turn(attempt):
        psp_call.ask(attempt, moocher, request)
        payment.refresh_from_db()
    return payment


def come_back(attempt: Attempt, request: HttpRequest) -> Attempt:
    """Ask the PSP at once what became of the attempt; return the attempt as it is then."""
    moocher = psp_call.moocher_for(attempt)
    if moocher is None or attempt.state in Attempt.ARRIVED:
        return attempt
    _claim_turn(attempt)
    return psp_call.ask(attempt, moocher, request)[0]


def _claim_turn(attempt: Attempt) -> bool:
    # Compare-and-set, so that of ten open tabs one asks.
    now = timezone.now()
    if attempt.state == Attempt.State.STARTED and now - attempt.started_at < STILL_ASKING:
        return False
    due = models.Q(asked_at=None) | models.Q(asked_at__lt=now - AT_MOST_EVERY)
    rows: models.QuerySet[Attempt] = models.QuerySet(Attempt).filter(due, pk=attempt.pk)
    return bool(rows.update(asked_at=now))
