"""Before a payment: what the user owes, as a list, a button or a badge."""

from __future__ import annotations

from typing import Any

from payments_ui.components.base import Page
from payments_ui.components.reading import Reading
from payments_ui.components.selection import LineItemSelection
from payments_ui.components.widget import Widget
from payments_ui.conf import settings as pui

from . import started
from .base import Step, slice_of

#: Pending payments that the list names; more than one is rare.
MOST_PAYMENTS = 5


class ListStep(Step):
    """A step before any payment."""

    @classmethod
    def read(cls, reading: Reading, _widget: Widget, _currency: str, _page: int) -> None:
        """Read the books so far as the step shows them. One query, or none."""
        reading.owed()


class Button(ListStep):
    """What is owed in one currency, and in the others. One query."""

    name = "button"

    def get_context_data(self) -> dict[str, Any]:
        """Totals: the currency that was asked for, else the site's, else the first."""
        only = self.situation.widget.currency
        totals = [
            total
            for total in self.situation.reading.owed().totals
            if not only or total.currency == only
        ]
        wanted = self.situation.currency or pui.CURRENCY
        first = totals[0] if totals else None
        total = next((total for total in totals if total.currency == wanted), first)
        return {
            "total": total,
            "others": [other for other in totals if other is not total],
            "count": sum(each.owed_count for each in totals),
            "currency": total.currency if total else "",
        }


class Badge(Button):
    """The same, in one word."""

    name = "badge"


class Charges(Button):
    """The list: pending payments, and unbound line items of one currency."""

    name = "charges"

    @classmethod
    def read(cls, reading: Reading, widget: Widget, currency: str, page: int) -> None:
        """What is owed, with the rows of the currency that the list is probably in."""
        if widget.group:
            reading.prepare(currency or pui.CURRENCY, *slice_of(page, widget.limit))
        else:
            reading.owed()

    def get_context_data(self) -> dict[str, Any]:
        """One page of the list.

        One query, another where the site's currency is not owed, or line items are not grouped,
        one where payments are pending and one more where an attempt is open.
        """
        context = super().get_context_data()
        situation, currency, total = self.situation, context["currency"], context["total"]
        payments = situation.reading.pending_payments(situation.widget.currency, MOST_PAYMENTS)
        listed = started.read(situation.request, situation.reading, payments)
        return {
            **context,
            "started": listed,
            "way_on": started.way_on(listed, total),
            "page": self.get_page(currency) if total and total.count else None,
        }


class Selection(Button):
    """The list with tick boxes."""

    name = "select"

    def get_context_data(self) -> dict[str, Any]:
        """One page of line items to tick; the first error of a form that was wrong."""
        context = super().get_context_data()
        limit, number, currency = (
            self.situation.widget.limit,
            self.situation.page,
            context["currency"],
        )
        reads = bool(context["total"] and context["total"].count)
        rows = self.situation.reading.items(currency, *slice_of(number, limit)) if reads else []
        page = Page.of(rows, number, limit)
        form = self.situation.form or LineItemSelection(self.situation.user, currency)
        form.auto_id = f"{self.situation.widget.id}-%s"
        form.show(page.rows)
        # The error box of the step says it, with the focus.
        errors = [error for messages in form.errors.values() for error in messages]
        return {**context, "form": form, "page": page} | ({"error": errors[0]} if errors else {})
