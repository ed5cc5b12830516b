"""The one place where the database and the PSP meet. No PSP is asked inside a transaction."""

from __future__ import annotations

from .beginning import begin, take_in
from .cancelling import cancel, cancel_attempt
from .expiring import expire
from .foreign import call_back, submit
from .paying import FormInvalidError, pay
from .reconciling import reconcile
from .reporting import PSPUnavailableError, come_back, refresh, report
from .tokens import FormToken, ReturnToken
from .unattended import Charging

__all__ = [
    "Charging",
    "FormInvalidError",
    "FormToken",
    "PSPUnavailableError",
    "ReturnToken",
    "begin",
    "call_back",
    "cancel",
    "cancel_attempt",
    "come_back",
    "expire",
    "pay",
    "reconcile",
    "refresh",
    "report",
    "submit",
    "take_in",
]
