"""The books: what is owed, what was asked of a PSP, and what happened."""

from __future__ import annotations

from .arrivals.model import Arrival
from .attempts.model import Attempt
from .disputes.model import Dispute
from .journal import JournalEntry
from .lineitems.model import LineItem
from .mails.model import Mail, MailStart, MailStop
from .pace import Pace
from .paymentmethods.customer import Customer
from .paymentmethods.model import PaymentMethod
from .payments.model import Payment
from .recoveries.model import Recovery
from .refunds.model import Refund
from .runs.model import Run, RunBatch, RunClaim
from .suspense.event import Event
from .suspense.model import SuspenseItem

__all__ = [
    "Arrival",
    "Attempt",
    "Customer",
    "Dispute",
    "Event",
    "JournalEntry",
    "LineItem",
    "Mail",
    "MailStart",
    "MailStop",
    "Pace",
    "Payment",
    "PaymentMethod",
    "Recovery",
    "Refund",
    "Run",
    "RunBatch",
    "RunClaim",
    "SuspenseItem",
]
