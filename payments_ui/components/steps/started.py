"""A pending payment in the list: what is waited for, and who has the next move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.http import HttpRequest

from payments_ui.components import payment_options
from payments_ui.components.reading import Reading
from payments_ui.core.models import Attempt, Payment, Recovery
from payments_ui.core.queries import Total

from .open_attempt import OPEN_STEPS, Processing, RequiresAction, Unknown

if TYPE_CHECKING:
    from payments_ui.core.queries import PendingPayment


@dataclass(frozen=True, slots=True)
class Started:
    """``step`` is *idle*, *transfer*, or the step of the open attempt.

    ``attempt`` is the open one, and ``instructions`` are those of a transfer that waits for the
    customer.
    """

    payment: Payment
    step: str
    attempt: Attempt | None = None
    instructions: str = ""
    #: Where it was declined while the customer was not there.
    recovery: Recovery | None = None

    @property
    def is_transfer(self) -> bool:
        """Whether the customer's transfer is waited for."""
        return self.step == "transfer"

    @property
    def is_processing(self) -> bool:
        """Whether the PSP is at work."""
        return self.step == Processing.name

    @property
    def is_unknown(self) -> bool:
        """Whether the PSP's answer got lost."""
        return self.step == Unknown.name

    @property
    def may_be_given_up(self) -> bool:
        """Whether no attempt is open."""
        return self.step == "idle"

    @property
    def is_unfinished(self) -> bool:
        """Whether the customer goes on on the payment's own page."""
        return self.step in ("idle", RequiresAction.name)


def read(
    request: HttpRequest, reading: Reading, payments: Sequence[PendingPayment]
) -> list[Started]:
    """The payments, each with what is waited for.

    One query where an attempt is open, and one where any was declined at night.
    """
    attempts, recoveries = reading.open_attempts(payments), reading.recoveries(payments)
    return [
        replace(
            _started(request, payment, attempts.get(payment.pk)),
            recovery=recoveries.get(payment.pk),
        )
        for payment in payments
    ]


def _started(request: HttpRequest, payment: Payment, attempt: Attempt | None) -> Started:
    if attempt is None:
        return Started(payment, "idle")
    step = OPEN_STEPS[attempt.state].name
    if step == Processing.name and attempt.manual:
        details = payment_options.instructions(request, attempt)
        return Started(payment, "transfer", attempt, details)
    return Started(payment, step, attempt)


def way_on(started: Sequence[Started], total: Total | None) -> Payment | None:
    """The one payment whose button leads on; ``None`` where the unbound charges' button does."""
    if total is None or (total.count and total.is_payable and not total.idle_count):
        return None
    unfinished = [one.payment for one in started if one.is_unfinished]
    mine = [payment for payment in unfinished if payment.currency == total.currency]
    return next(iter(mine or unfinished), None)
