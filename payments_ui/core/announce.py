"""``post_charge``: once per charge, after the commit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone
from mooch.signals import post_charge

from .models import Attempt, Payment

if TYPE_CHECKING:
    from django.http import HttpRequest

logger = logging.getLogger("payments_ui")


def _unknown_sender(identifier: str) -> object:
    return identifier


#: Finds a signal's sender, the moocher instance, by its identifier. The UI app sets it.
sender_by_identifier: Callable[[str], object] = _unknown_sender


def after_commit(attempt: Attempt, request: HttpRequest | None) -> None:
    """Send ``post_charge`` for this settled attempt as soon as the charge is committed."""
    transaction.on_commit(lambda: _send(attempt, request), robust=True)


def _send(attempt: Attempt, request: HttpRequest | None) -> None:
    payment = Payment.all_objects.get(pk=attempt.payment_id)
    results = post_charge.send_robust(
        sender=sender_by_identifier(attempt.moocher), payment=payment, request=request
    )
    for receiver, error in results:
        if isinstance(error, Exception):
            logger.error(
                "post_charge: %r failed for payment %s", receiver, payment.pk, exc_info=error
            )
    # After sending: a process killed in between sends again rather than never.
    models.QuerySet(Attempt).filter(pk=attempt.pk).update(announced_at=timezone.now())
