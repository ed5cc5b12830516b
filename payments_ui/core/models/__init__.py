"""The books: what is owed, what was asked of a PSP, and what happened."""

from __future__ import annotations

from .attempt import Attempt
from .event import Event
from .journal import JournalEntry
from .lineitem import LineItem
from .payment import Payment
from .refund import Refund
from .suspense import SuspenseItem

__all__ = [
    "Attempt",
    "Event",
    "JournalEntry",
    "LineItem",
    "Payment",
    "Refund",
    "SuspenseItem",
]
