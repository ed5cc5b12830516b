"""The one place where the database and the PSP meet. No PSP is asked inside a transaction."""

from __future__ import annotations

from .beginning import begin, take_in
from .cancelling import cancel, cancel_attempt
from .foreign import call_back, submit
from .paying import FormInvalidError, pay
from .reporting import PSPUnavailableError, come_back, refresh, report
from .tokens import FormToken, ReturnToken

__all__ = [
    "FormInvalidError",
    "FormToken",
    "PSPUnavailableError",
    "ReturnToken",
    "begin",
    "call_back",
    "cancel",
    "cancel_attempt",
    "come_back",
    "pay",
    "refresh",
    "report",
    "submit",
    "take_in",
]
