"""The one place where the database and the PSP meet. No PSP is asked inside a transaction."""

from __future__ import annotations

from .foreign import call_back, submit
from .paying import begin, cancel, cancel_attempt, pay, take_in
from .reporting import refresh, report
from .tokens import FormToken

__all__ = [
    "FormToken",
    "begin",
    "call_back",
    "cancel",
    "cancel_attempt",
    "pay",
    "refresh",
    "report",
    "submit",
    "take_in",
]
