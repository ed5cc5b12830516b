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
#: The same for visitors who are not known as the payer: whoever has the URL can send them.
VISITORS_AT_MOST_EVERY = dt.timedelta(seconds=10)
#: For so long the request that started an attempt may be waiting for the PSP itself.
STILL_ASKING = dt.timedelta(seconds=30)


def refresh(payment: Payment, request: HttpRequest | None = None) -> Payment:
    """Ask the PSP about the open attempt, unless another request asked just now.

    Returns the payment as it is then.
    """
    attempt = payment.open_attempt
    moocher = None if attempt is None else psp_call.moocher_for(attempt)
    if attempt is not None and moocher is not None and claim_turn(attempt, AT_MOST_EVERY):
        psp_call.ask(attempt, moocher, request)
        payment.reread()
    return payment


def come_back(attempt: Attempt, request: HttpRequest, *, is_payer: bool = True) -> Attempt:
    """Ask the PSP what became of the attempt; return the attempt as it is then.

    The payer's own return asks at once, a visitor's unless another request asked just now.
    """
    moocher = psp_call.moocher_for(attempt)
    if moocher is None or attempt.state in Attempt.ARRIVED:
        return attempt
    if not claim_turn(attempt, VISITORS_AT_MOST_EVERY) and not is_payer:
        return attempt
    return psp_call.ask(attempt, moocher, request)[0]


def claim_turn(attempt: Attempt, at_most_every: dt.timedelta) -> bool:
    """Whether it is the caller's turn to ask; by compare-and-set, so that of ten tabs one asks."""
    now = timezone.now()
    if attempt.state == Attempt.State.STARTED and now - attempt.started_at < STILL_ASKING:
        return False
    due = models.Q(asked_at=None) | models.Q(asked_at__lt=now - at_most_every)
    rows: models.QuerySet[Attempt] = models.QuerySet(Attempt).filter(due, pk=attempt.pk)
    return bool(rows.update(asked_at=now))
