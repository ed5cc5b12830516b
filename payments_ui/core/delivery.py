"""Signals about money: sent once, after the commit, and marked as sent after that.

A process that is killed in between sends again rather than never, see ``flows.redeliver``.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from mooch import signals as mooch_signals

from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.unguarded import unguarded

from . import signals
from .psp_port import psps

if TYPE_CHECKING:
    from django.http import HttpRequest

    from .attempts.model import Attempt
    from .payments.model import Payment
    from .refunds.model import Refund

logger = logging.getLogger("payments_ui")


def charge_after_commit(
    attempt: Attempt, request: HttpRequest | None, *, post_charge: bool = True
) -> None:
    """Send the signals of this settled attempt as soon as the charge is committed."""
    send = partial(send_charge, attempt, request, post_charge=post_charge)
    transaction.on_commit(send, robust=True)


def send_charge(
    attempt: Attempt, request: HttpRequest | None = None, *, post_charge: bool = True
) -> None:
    """Send ``payment_charged``, and ``post_charge`` unless the caller does."""
    payment = attempt.payment
    payment.refresh_from_db()
    if post_charge:
        sender = psps().signal_sender(attempt.moocher)
        _send(mooch_signals.post_charge, payment, sender=sender, payment=payment, request=request)
    _send(signals.payment_charged, payment, sender=type(payment), payment=payment)
    unguarded(attempt).update(signal_sent_at=timezone.now())


def send_refund(refund: Refund) -> None:
    """Send ``refund_succeeded``."""
    stored = refund.as_stored()
    _send(signals.refund_succeeded, stored, sender=type(stored), refund=stored)
    unguarded(refund).update(signal_sent_at=timezone.now())


def send_undone(payment: Payment) -> None:
    """Send ``payment_undone``."""
    _send(signals.payment_undone, payment, sender=type(payment), payment=payment)
    unguarded(payment).update(signal_due_at=None)


def send_cancelled(payment: Payment) -> None:
    """Send ``payment_cancelled``; then delete the row unless it is evidence."""
    _send(signals.payment_cancelled, payment, sender=type(payment), payment=payment)
    with transaction.atomic():
        locked = payment.lock()
        if locked is not None and not locked.attempts.exists():
            unguarded(locked).delete()
        else:
            unguarded(payment).update(signal_due_at=None)


def _send(signal: Signal, about: Payment | Refund, **arguments: Any) -> None:
    responses = signal.send_robust(**arguments)
    failed = [receiver for receiver, answer in responses if isinstance(answer, Exception)]
    if failed:
        # Django has logged each with its traceback, but not what it was about.
        logger.error("Receivers failed for %s %s: %s", type(about).__name__, about.pk, failed)
    failpoints.hit(Point.ANNOUNCE_AFTER_RECEIVER)
