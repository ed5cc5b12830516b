"""Giving a pending payment up: its line items return to the pool."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from payments_ui.core import delivery, journal
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.db.locks import retrying
from payments_ui.exceptions import AlreadyChargedError, AttemptOpenError, PaymentGoneError

if TYPE_CHECKING:
    from .model import Payment
    from .queryset import PaymentQuerySet


@retrying
def cancel_pending(
    payment: Payment,
    *,
    by: str = journal.SYSTEM,
    reason: str = "",
    renewed_as: UUID | None = None,
    among: PaymentQuerySet | None = None,
) -> None:
    """Return the line items to the pool; the payment is gone for its callers.

    ``renewed_as`` is the id of the payment that takes its place, for the journal. Only where it
    is one of the payments ``among`` which it was found, if these are given.

    After the commit ``payment_cancelled`` is sent, and then the row is deleted, or kept out of
    sight as evidence where a PSP was ever asked.
    Raises ``AlreadyChargedError``, ``PaymentGoneError``, or ``AttemptOpenError`` while
    the outcome of an attempt is not known.
    """
    with transaction.atomic():
        locked = payment.lock() if among is None else among.lock(payment.pk)
        if locked is not None and locked.charged_at:
            raise AlreadyChargedError(f"{payment.pk} is charged")
        if locked is None or locked.cancelled_at or locked.undone_at:
            raise PaymentGoneError(f"{payment.pk} is cancelled or undone, or not as it was found")
        if locked.open_attempt:
            raise AttemptOpenError(f"{locked.open_attempt} is open")
        now = timezone.now()
        # First, as the database lets line items go only from a payment that cannot be paid.
        locked.write(cancelled_at=now, signal_due_at=now)
        items = release(locked)
        journal.payment(
            journal.Verb.PAYMENT_CANCELLED,
            locked,
            actor=by,
            reason=reason,
            items=items,
            detail={"renewed_as": str(renewed_as)} if renewed_as else {},
        )
        transaction.on_commit(lambda: delivery.send_cancelled(locked), robust=True)
        failpoints.hit(Point.CANCEL_BEFORE_COMMIT)
    payment.cancelled_at = now
    payment.__dict__.pop("open_attempt", None)


cancel_pending.alters_data = True  # type: ignore[attr-defined]


def release(payment: Payment) -> int:
    """Unbind the payment's line items, in the caller's transaction; return how many."""
    return models.QuerySet.update(payment.lineitems.order_by(), payment=None)
