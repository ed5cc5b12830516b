"""Signals about money: sent once, after the commit, and marked as sent after that."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from mooch.signals import post_charge

from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.unguarded import unguarded

from .psp_port import psps
from .signals import refund_succeeded

if TYPE_CHECKING:
    from django.http import HttpRequest

    from .attempts.model import Attempt
    from .payments.model import Payment
    from .refunds.model import Refund

logger = logging.getLogger("payments_ui")


def charge_after_commit(attempt: Attempt, request: HttpRequest | None) -> None:
    """Send ``post_charge`` for this settled attempt as soon as the charge is committed."""
    transaction.on_commit(lambda: send_charge(attempt, request), robust=True)


def send_charge(attempt: Attempt, request: HttpRequest | None) -> None:
    """Send ``post_charge`` for a settled attempt now; Django logs receivers that raise."""
    payment = attempt.payment
    payment.refresh_from_db()
    sender = psps().signal_sender(attempt.moocher)
    _send("post_charge", post_charge, payment, sender=sender, payment=payment, request=request)
    _mark_sent(attempt)


def refund_after_commit(refund: Refund) -> None:
    """Send ``refund_succeeded`` as soon as that is committed."""
    transaction.on_commit(lambda: send_refund(refund), robust=True)


def send_refund(refund: Refund) -> None:
    """Send ``refund_succeeded`` now; Django logs receivers that raise."""
    stored = refund.as_stored()
    _send("refund_succeeded", refund_succeeded, stored, sender=type(stored), refund=stored)
    _mark_sent(refund)


def _send(name: str, signal: Signal, about: Payment | Refund, **arguments: Any) -> None:
    responses = signal.send_robust(**arguments)
    failed = [receiver for receiver, answer in responses if isinstance(answer, Exception)]
    if failed:
        # Django has logged each with its traceback, but not what it was about.
        logger.error("%s of %s %s: %s failed", name, type(about).__name__, about.pk, failed)


def _mark_sent(row: Attempt | Refund) -> None:
    failpoints.hit(Point.ANNOUNCE_AFTER_RECEIVER)
    # After sending: a process killed in between sends again rather than never.
    unguarded(row).update(signal_sent_at=timezone.now())
