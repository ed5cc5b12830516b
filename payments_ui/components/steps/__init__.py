"""The steps from the list to the receipt: a class each, named as its template and no larger."""

from __future__ import annotations

from payments_ui.core.models import Payment

from .base import Situation, Step
from .charges import Badge, Button, Charges, Selection
from .finished import Charged, Gone
from .open_attempt import OpenAttempt, Processing, RequiresAction, Unknown
from .review import Review

__all__ = [
    "Badge",
    "Button",
    "Charged",
    "Charges",
    "Gone",
    "OpenAttempt",
    "Processing",
    "RequiresAction",
    "Review",
    "Selection",
    "Situation",
    "Step",
    "Unknown",
    "of_payment",
]

_OPEN: dict[str, type[OpenAttempt]] = {
    state: step for step in (Processing, RequiresAction, Unknown) for state in step.states
}


def of_payment(situation: Situation, payment: Payment) -> Step:
    """The step that a payment is at, by its state."""
    state, attempt = payment.state, payment.open_attempt
    if state == Payment.State.PROCESSING and attempt is not None:
        return _OPEN[attempt.state](situation, payment, attempt)
    if state == Payment.State.CHARGED:
        return Charged(situation, payment)
    return (Review if state == Payment.State.PENDING else Gone)(situation, payment)
