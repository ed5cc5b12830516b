"""Taking a charge back in the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from payments_ui.core import delivery, journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import retrying
from payments_ui.core.db.unguarded import unguarded
from payments_ui.core.suspense.states import SuspenseState
from payments_ui.exceptions import (
    AttemptOpenError,
    NotChargedError,
    PaymentStateError,
    RefundOpenError,
    RefundRequiredError,
)

from .cancellation import release

if TYPE_CHECKING:
    from payments_ui.core.attempts.model import Attempt

    from .model import Payment


@retrying
def undo(
    payment: Payment, *, by: str = journal.SYSTEM, reason: str = "", force: bool = False
) -> None:
    """Take a charge back in the books: items unbound, and nothing charges it again.

    Raises ``NotChargedError``, and ``RefundRequiredError`` while money that a PSP took
    sits on it: giving money back is a refund. ``force=True`` with a ``reason`` undoes
    it all the same. Moves no money. After the commit ``payment_undone`` is sent.
    """
    if force and not reason:
        raise PaymentStateError("undo(force=True) needs a reason")
    with transaction.atomic():
        locked = payment.lock()
        if locked is None or not locked.charged_at:
            raise NotChargedError(f"{payment.pk} is not charged")
        if locked.open_attempt:
            raise AttemptOpenError(f"{locked.open_attempt} is open")
        settled = locked.settled_attempt()
        if settled.refunds.open().exists():
            raise RefundOpenError(f"A refund of {payment.pk} is open")
        if not force and _psp_has_money(locked, settled):
            raise RefundRequiredError("A PSP took this money: use refund, or force with a reason")
        now = timezone.now()
        locked.charged_at, locked.undone_at = None, now
        unguarded(locked).update(charged_at=None, undone_at=now, signal_due_at=now)
        items = release(locked)
        journal.payment(journal.Verb.PAYMENT_UNDONE, locked, actor=by, reason=reason, items=items)
        transaction.on_commit(lambda: delivery.send_undone(locked), robust=True)
        failpoints.hit(Point.UNDO_BEFORE_COMMIT)
    payment.charged_at, payment.undone_at = None, now


undo.alters_data = True  # type: ignore[attr-defined]


def _psp_has_money(payment: Payment, settled: Attempt) -> bool:
    """Whether a PSP took what charged the payment, and has not given all of it back.

    What a dispute has taken counts as there until it is decided: the bank may put it back.
    """
    # Money of a PSP that a person matched stays the PSP's to give back.
    matched = payment.suspense_items.filter(state=SuspenseState.MATCHED, attempt__manual=False)
    if settled.manual and not matched.exists():
        return False
    # Without a PSP's name on the payment nothing is known of who charged it.
    if not payment.payment_service_provider:
        return False
    may_return = settled.disputed_amount and settled.disputes.open().exists()
    return bool(settled.refundable_amount or may_return)
