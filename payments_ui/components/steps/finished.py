"""The end of the way: the receipt in short, or a payment that is no more."""

from __future__ import annotations

from typing import Any

from payments_ui.components import payment_options
from payments_ui.conf import settings as pui
from payments_ui.core import queries

from .base import PaymentStep


class Charged(PaymentStep):
    """The receipt, in short."""

    name = "charged"

    def get_context_data(self) -> dict[str, Any]:
        """What was paid, to whom and how, what was waived or too much. Two queries."""
        return {
            "arrived": queries.arrived([self.payment])[self.payment.pk],
            "payment": self.payment,
            "payee": pui.PAYEE,
            "page": self.get_page(self.payment.currency, self.payment),
            "moocher_title": payment_options.title_of(self.payment.payment_service_provider),
        }


class Gone(PaymentStep):
    """A payment that was cancelled or undone."""

    name = "gone"

    def get_context_data(self) -> dict[str, Any]:
        """The payment, and what its customer has to know about the money. One query."""
        return {
            "payment": self.payment,
            "warning": payment_options.called_off(self.payment.pk),
        }
