"""Charging without the user: processors, run one after the other.

A run may be killed and started again, and several may run at once: what one of them began is
a pending payment, and the database lets one attempt at a time ask a PSP for it.
"""

from __future__ import annotations

from .bulk import process_pending_payments, process_unbound_items
from .outcome import Outcome
from .payment import process_payment
from .result import Processor, Result, ResultError, StopProcessingError

__all__ = [
    "Outcome",
    "Processor",
    "Result",
    "ResultError",
    "StopProcessingError",
    "process_payment",
    "process_pending_payments",
    "process_unbound_items",
]
