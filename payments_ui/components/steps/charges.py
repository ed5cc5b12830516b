"""Before a payment: what the user owes, as a list, a button or a badge."""

from __future__ import annotations

from typing import Any

from payments_ui.components.base import Page
from payments_ui.components.selection import LineItemSelection
from payments_ui.conf import settings as pui
from payments_ui.core import queries

from .base import Step

#: Payments under way that the list names; more than one is rare.
MOST_PAYMENTS = 5


class Button(Step):
    """The total of one currency, and the others. One query."""

    name = "button"

    def get_context_data(self) -> dict[str, Any]:
        """Totals: the currency that was asked for, else the site's, else the first."""
        only = self.situation.widget.currency
        totals = [
            total
            for total in queries.totals(self.situation.user)
            if not only or total.currency == only
        ]
        wanted = self.situation.currency or pui.CURRENCY
        first = totals[0] if totals else None
        total = next((total for total in totals if total.currency == wanted), first)
        return {
            "total": total,
            "credit": -total.payable if total else None,
            "others": [other for other in totals if other is not total],
            "count": sum(each.count for each in totals),
            "currency": total.currency if total else "",
        }


class Badge(Button):
    """The same, in one word."""

    name = "badge"


class Charges(Button):
    """The list: payments under way, and unbound line items of one currency."""

    name = "charges"

    def get_context_data(self) -> dict[str, Any]:
        """One page of the list. Three queries."""
        context = super().get_context_data()
        currency, user = context["currency"], self.situation.user
        payments = queries.pending_payments(
            user, self.situation.widget.currency, limit=MOST_PAYMENTS
        )
        return {
            **context,
            "payments": payments,
            "resumable": any(
                payment.currency == currency and not payment.is_processing for payment in payments
            ),
            "page": self.get_page(currency) if context["total"] else None,
        }


class Selection(Button):
    """The list with tick boxes."""

    name = "select"

    def get_context_data(self) -> dict[str, Any]:
        """One page of line items to tick; the first error of a form that was wrong."""
        context = super().get_context_data()
        user, limit, number = self.situation.user, self.situation.widget.limit, self.situation.page
        currency, offset = context["currency"], (number - 1) * limit
        reads = bool(context["total"])
        rows = queries.items(user, currency, limit=limit + 1, offset=offset) if reads else []
        page = Page.of(rows, number, limit)
        form = self.situation.form or LineItemSelection(user, currency)
        form.auto_id = f"{self.situation.widget.id}-%s"
        form.show(page.rows)
        # The error box of the step says it, with the focus.
        errors = [error for messages in form.errors.values() for error in messages]
        return {**context, "form": form, "page": page} | ({"error": errors[0]} if errors else {})
