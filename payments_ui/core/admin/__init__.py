"""The admin: shows everything; actions change money by the models' verbs, with a reason."""

from __future__ import annotations

from .attempts import AttemptAdmin
from .journal import EventAdmin, JournalEntryAdmin
from .lineitems import LineItemAdmin
from .payments import PaymentAdmin
from .refunds import RefundAdmin
from .suspense import SuspenseItemAdmin

__all__ = [
    "AttemptAdmin",
    "EventAdmin",
    "JournalEntryAdmin",
    "LineItemAdmin",
    "PaymentAdmin",
    "RefundAdmin",
    "SuspenseItemAdmin",
]
