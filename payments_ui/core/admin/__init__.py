"""The admin: shows everything; actions change money by the models' verbs, with a reason."""

from __future__ import annotations

from .attempts import AttemptAdmin
from .booking import ArrivalAdmin
from .disputes import DisputeAdmin
from .journal import EventAdmin, JournalEntryAdmin
from .lineitems import LineItemAdmin
from .mails import MailAdmin, MailStopAdmin
from .paymentmethods import CustomerAdmin, PaymentMethodAdmin
from .payments import PaymentAdmin
from .recoveries import RecoveryAdmin
from .refunds import RefundAdmin
from .runs import RunAdmin
from .suspense import SuspenseItemAdmin

__all__ = [
    "ArrivalAdmin",
    "AttemptAdmin",
    "CustomerAdmin",
    "DisputeAdmin",
    "EventAdmin",
    "JournalEntryAdmin",
    "LineItemAdmin",
    "MailAdmin",
    "MailStopAdmin",
    "PaymentAdmin",
    "PaymentMethodAdmin",
    "RecoveryAdmin",
    "RefundAdmin",
    "RunAdmin",
    "SuspenseItemAdmin",
]
