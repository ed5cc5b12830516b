"""What a user has paid, with the receipts."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments_ui.core import queries
from payments_ui.core.models import Payment

from .base import Component
from .paging import Page
from .widget import Widget


class PaymentHistory(Component):
    """Charged payments, newest first, paged, with what was given back. Two queries."""

    name = "payment-history"
    title = _("Payments")
    url_name = "payments_ui:payments"
    accepts = Component.accepts | {"live", "limit", "currency"}

    def __init__(self, request: HttpRequest, widget: Widget, *, page: int = 1) -> None:
        super().__init__(request, widget)
        self.page = max(1, page)

    def get_body_template_name(self) -> str:
        """The body's template."""
        return "payments_ui/components/payment_history.html"

    def get_context_data(self) -> dict[str, Any]:
        """One page of rows, and one more to know whether there is another."""
        limit = self.widget.limit
        offset = (self.page - 1) * limit
        rows = list(self._payments()[offset : offset + limit + 1])
        for payment in rows:
            payment.is_refunded = queries.is_refunded(payment, payment.shown_refunds)
        return {"step": "history", "page": Page.of(rows, self.page, limit)}

    def _payments(self) -> Any:
        payments = Payment.objects.filter(
            Q(charged_at__isnull=False) | Q(undone_at__isnull=False), user=self.user.pk
        )
        if self.widget.currency:
            payments = payments.filter(currency=self.widget.currency)
        shown = Prefetch("refunds", queryset=queries.refunds(), to_attr="shown_refunds")
        return payments.prefetch_related(shown).order_by("-created_at", "pk")
