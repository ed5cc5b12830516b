"""The admin: reads everything, changes money by the models' verbs only, with a reason."""

from __future__ import annotations

from .attempts import AttemptAdmin
from .evidence import EventAdmin, JournalEntryAdmin
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
