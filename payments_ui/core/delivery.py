"""Signals about money: sent once, after the commit, and marked as sent after that.

A process that is killed in between sends again rather than never, see ``flows.redeliver``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from mooch import signals as mooch_signals

from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded

from . import signals
from .payments import removal
from .psp_port import psps

if TYPE_CHECKING:
    from django.http import HttpRequest

    from .attempts.model import Attempt
    from .disputes.model import Dispute
    from .paymentmethods.model import PaymentMethod
    from .payments.model import Payment
    from .recoveries.model import Recovery
    from .refunds.model import Refund

logger = logging.getLogger("payments_ui")


def charge_after_commit(
    attempt: Attempt, request: HttpRequest | None, *, post_charge: bool = True
) -> None:
    """Send the signals of this settled attempt as soon as the charge is committed.

    Receivers get its ``payment``, on which the verb that charges has taken over what it wrote.
    """
    may_change = len(transaction.get_connection().atomic_blocks) > 1

    # No partial: Django names in its log what fails, and a partial has no name.
    def send() -> None:
        if may_change:
            # By what else happens in the caller's transaction.
            attempt.payment.refresh_from_db()
        send_charge(attempt, request, post_charge=post_charge)

    transaction.on_commit(send, robust=True)


def send_charge(
    attempt: Attempt, request: HttpRequest | None = None, *, post_charge: bool = True
) -> None:
    """Send ``payment_charged``, and ``post_charge`` unless the caller does."""
    payment = attempt.payment
    if post_charge:
        sender = psps().signal_sender(attempt.moocher)
        _send(mooch_signals.post_charge, payment, sender=sender, payment=payment, request=request)
    _send(signals.payment_charged, payment, sender=type(payment), payment=payment)
    unguarded(attempt).update(signal_sent_at=timezone.now())


def send_refund(refund: Refund) -> None:
    """Send ``refund_succeeded``, or ``refund_came_back`` where it has come back since."""
    stored = refund.as_stored()
    came_back = stored.state == stored.State.CAME_BACK
    signal = signals.refund_came_back if came_back else signals.refund_succeeded
    _send(signal, stored, sender=type(stored), refund=stored)
    unguarded(refund).filter(state=stored.state).update(signal_sent_at=timezone.now())


def send_dispute_opened(dispute: Dispute) -> None:
    """Send ``dispute_opened``."""
    _send(signals.dispute_opened, dispute, sender=type(dispute), dispute=dispute)
    unguarded(dispute).update(opened_signal_sent_at=timezone.now())


def send_dispute_closed(dispute: Dispute) -> None:
    """Send ``dispute_closed``."""
    _send(signals.dispute_closed, dispute, sender=type(dispute), dispute=dispute)
    unguarded(dispute).filter(state=dispute.state).update(closed_signal_sent_at=timezone.now())


def send_dispute(dispute: Dispute) -> None:
    """Send those signals about this dispute that are due and were not sent."""
    if dispute.opened_signal_sent_at is None:
        send_dispute_opened(dispute)
    if not dispute.is_open and dispute.closed_signal_sent_at is None:
        send_dispute_closed(dispute)


def send_undone(payment: Payment) -> None:
    """Send ``payment_undone``."""
    _send(signals.payment_undone, payment, sender=type(payment), payment=payment)
    unguarded(payment).update(signal_due_at=None)


def send_cancelled(payment: Payment) -> None:
    """Send ``payment_cancelled``; then delete the row unless it is evidence."""
    _send(signals.payment_cancelled, payment, sender=type(payment), payment=payment)
    if not removal.remove_unless_asked(payment):
        unguarded(payment).update(signal_due_at=None)


def payment_method_after_commit(method: PaymentMethod) -> None:
    """Send the signal about this payment method as soon as the change is committed."""
    unguarded(method).update(signal_due_at=timezone.now())
    transaction.on_commit(lambda: send_payment_method(method), robust=True)


def send_payment_method(method: PaymentMethod) -> None:
    """Send ``payment_method_saved`` where it is in use, else ``payment_method_removed``."""
    stored = method.as_stored()
    signal = signals.payment_method_saved if stored.is_active else signals.payment_method_removed
    _send(signal, stored, sender=type(stored), payment_method=stored)
    _mark_method_sent(stored)


@retrying
def _mark_method_sent(method: PaymentMethod) -> None:
    # Other transactions hold the user's payment methods now and then.
    unguarded(method).filter(signal_due_at=method.signal_due_at).update(signal_due_at=None)


def recovery_after_commit(recovery: Recovery) -> None:
    """Send ``recovery_given_up`` as soon as that is committed."""
    unguarded(recovery).update(signal_due_at=timezone.now())
    transaction.on_commit(lambda: send_given_up(recovery), robust=True)


def send_given_up(recovery: Recovery) -> None:
    """Send ``recovery_given_up``."""
    recovery.refresh_from_db()
    _send(signals.recovery_given_up, recovery, sender=type(recovery), recovery=recovery)
    due = unguarded(recovery).filter(signal_due_at=recovery.signal_due_at)
    due.update(signal_due_at=None)


def _send(
    signal: Signal, about: Payment | PaymentMethod | Recovery | Refund | Dispute, **arguments: Any
) -> None:
    responses = signal.send_robust(**arguments)
    failed = [receiver for receiver, answer in responses if isinstance(answer, Exception)]
    if failed:
        # Django has logged each with its traceback, but not what it was about.
        logger.error("Receivers failed for %s %s: %s", type(about).__name__, about.pk, failed)
    failpoints.hit(Point.ANNOUNCE_AFTER_RECEIVER)
