"""What a user has paid, with the receipts."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from payments_ui.core import queries
from payments_ui.core.models import Payment

from .base import Component, Page


class PaymentHistory(Component):
    """``{% payment_history %}``: what the user has paid, with receipts, refunds and disputes.

    ``title``; ``heading``; ``limit`` rows of a page; ``currency``; ``live``; ``anonymous``;
    ``id``. Newest first, in five queries.
    """

    name = "payment-history"
    title = _("Payments")
    accepts = frozenset({*Component.accepts, "live", "limit", "currency"})
    body_template_name = "payments_ui/components/payment_history.html"

    @classmethod
    def get_url(cls) -> str:
        """The history."""
        return reverse("payments_ui:payments")

    def get_context_data(self) -> dict[str, Any]:
        """One page of rows."""
        limit, offset = self.widget.limit, (self.page - 1) * self.widget.limit
        payments = Payment.objects.filter(
            Q(charged_at__isnull=False) | Q(undone_at__isnull=False), user=self.user.pk
        )
        if self.widget.currency:
            payments = payments.filter(currency=self.widget.currency)
        refunds = Prefetch("refunds", queryset=queries.refunds(), to_attr="shown_refunds")
        disputes = Prefetch("disputes", queryset=queries.disputes(), to_attr="shown_disputes")
        newest = payments.prefetch_related(refunds, disputes).order_by("-created_at", "pk")
        rows = list(newest[offset : offset + limit + 1])
        arrived = queries.arrived(rows)
        for payment in rows:
            payment.arrived = arrived[payment.pk]
            payment.is_refunded = queries.is_refunded(payment, payment.shown_refunds)
        return {"step": "history", "page": Page.of(rows, self.page, limit)}
