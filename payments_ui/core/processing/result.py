"""What a processor answers."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NoReturn

from payments_ui.core.models import Payment
from payments_ui.exceptions import PaymentsUIError


class ResultError(PaymentsUIError):
    """A processor returned no ``Result``, or a ``Result`` was used as a bool."""

    code = "result"


class StopProcessingError(PaymentsUIError):
    """Raised by a processor to end the whole run, for example because its PSP is down."""

    code = "stop_processing"


class Result(Enum):
    """A processor's answer."""

    #: The payment is charged.
    SUCCESS = 1
    #: The payment is not for this processor, or the charge failed: try the next processor.
    FAILURE = 2
    #: Stop here, and try no other processor.
    TERMINATE = 3

    def __bool__(self) -> NoReturn:
        raise ResultError("Compare a Result by `is Result.SUCCESS`: it may not be used as a bool")


Processor = Callable[[Payment], Result]
