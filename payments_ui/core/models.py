"""The books: what is owed, what was asked of a PSP, and what happened."""

from __future__ import annotations

from .attempts.model import Attempt
from .journal import JournalEntry
from .lineitems.model import LineItem
from .payments.model import Payment
from .refunds.model import Refund
from .suspense.event import Event
from .suspense.model import SuspenseItem

__all__ = [
    "Attempt",
    "Event",
    "JournalEntry",
    "LineItem",
    "Payment",
    "Refund",
    "SuspenseItem",
]
