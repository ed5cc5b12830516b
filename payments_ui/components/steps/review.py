"""A pending payment: payee, items, amount, the payment options, and the chosen one's form."""

from __future__ import annotations

from typing import Any

from django.utils.functional import cached_property

from payments_ui.components import payment_options
from payments_ui.conf import settings as pui
from payments_ui.core import queries
from payments_ui.core.queries import Total

from .base import PaymentStep

#: Rows of a review that are shown without being asked for.
UNFOLDED = 5


class Review(PaymentStep):
    """What is paid, to whom and how. Three queries."""

    name = "payment"
    news_template = ("payments_ui/components/pending_charges/payment.html", "news")

    def get_context_data(self) -> dict[str, Any]:
        """The whole step."""
        page = self.get_page(self.payment.currency, self.payment)
        return {
            **self.get_panel(),
            **self.get_news(),
            "payee": pui.PAYEE,
            "page": page,
            # A long list stays folded, so that the options are in sight; once paged, it is open.
            "is_unfolded": page.number > 1 or len(page.rows) <= UNFOLDED,
            "options": payment_options.options(self.payment, self.situation.moocher),
        }

    def get_panel(self) -> dict[str, Any]:
        """The chosen payment option and its form, or why it cannot take the payment."""
        chosen = self.situation.moocher
        return {
            "payment": self.payment,
            "moocher": chosen,
            "refusal": payment_options.refusal(chosen, self.payment) if chosen else "",
            # Escaped unless it is a SafeString, as what a template rendered is.
            "form_html": self.situation.form_html,
        }

    def get_news(self) -> dict[str, Any]:
        """New charges, which the user may add to the payment."""
        return {"payment": self.payment, "seen": self.seen, "new": self._new_charges}

    @property
    def seen(self) -> str:
        """The step, with the number and sum of the new charges."""
        new = self._new_charges
        return f"{self.name}:{new.count}:{new.amount}" if new else self.name

    @cached_property
    def _new_charges(self) -> Total | None:
        return queries.newer(self.payment)
