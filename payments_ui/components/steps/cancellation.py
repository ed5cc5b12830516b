"""The question before a payment is cancelled or its attempt called off, and what that means."""

from __future__ import annotations

from typing import Any

from payments_ui.components import payment_options
from payments_ui.core.models import Attempt, Payment

from .base import PaymentStep, Situation


class Cancellation(PaymentStep):
    """Whether to cancel the payment (``is_whole``), or to call only its open attempt off."""

    name = "cancellation"

    def __init__(
        self, situation: Situation, payment: Payment, attempt: Attempt | None, *, is_whole: bool
    ) -> None:
        super().__init__(situation, payment)
        self.attempt = attempt
        self.is_whole = is_whole

    def get_context_data(self) -> dict[str, Any]:
        """What is called off, and what it means for the money. One query without an attempt."""
        attempt = self.attempt
        return {
            "payment": self.payment,
            "attempt": attempt,
            "moocher_title": payment_options.title_of(attempt.moocher) if attempt else "",
            "is_whole": self.is_whole,
            "warning": payment_options.called_off(self.payment.pk),
        }
