"""What has left of the money that arrived with an attempt: refunds, and what disputes took."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from payments_ui.core.db.unguarded import unguarded

if TYPE_CHECKING:
    from .model import Attempt


def count(attempt: Attempt, refunded: Decimal) -> bool:
    """Store that so much is refunded, and what disputes have taken of the rest.

    Under the payment's lock; compare-and-set of what the attempt says, since SQLite adds
    decimals inexactly. Returns whether it did, which it does not where less arrived. What was
    both refunded and taken counts once, as refunded: the dispute's own row says that it was taken.
    """
    rows = attempt.disputes.filter(currency=attempt.received_currency)
    taken = sum((dispute.taken for dispute in rows), start=Decimal(0))
    unchanged = unguarded(attempt).filter(
        refunded_amount=attempt.refunded_amount, received_amount__gte=refunded
    )
    disputed = max(Decimal(0), min(taken, attempt.received - refunded))
    return bool(unchanged.update(refunded_amount=refunded, disputed_amount=disputed))
