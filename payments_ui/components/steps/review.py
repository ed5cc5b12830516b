"""A pending payment: payee, items, amount, the payment options, and the chosen one's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import cached_property
from django.utils.translation import ngettext

from payments_ui import money
from payments_ui.components import payment_options, saved_methods
from payments_ui.components.saved_methods import SavedMethod
from payments_ui.conf import settings as pui
from payments_ui.core import queries
from payments_ui.core.queries import Total
from payments_ui.payer import is_guest

from .base import PaymentStep

#: Rows of a review that are shown without being asked for.
UNFOLDED = 5


class Review(PaymentStep):
    """What is paid, to whom and how. Three queries; one more where moochers save methods."""

    name = "payment"
    news_template = ("payments_ui/components/pending_charges/payment.html", "news")

    def get_context_data(self) -> dict[str, Any]:
        """The whole step."""
        page = self.get_page(self.payment.currency, self.payment)
        return {
            **self.get_panel(),
            **self.get_news(),
            "payee": pui.PAYEE,
            "recovery": queries.recovery_of(self.payment),
            "page": page,
            # A long list stays folded, so that the options are in sight; once paged, it is open.
            "is_unfolded": page.number > 1 or len(page.rows) <= UNFOLDED,
            "options": payment_options.options(
                self.payment, self.saved, self.situation.moocher, self.situation.saved
            ),
        }

    @cached_property
    def saved(self) -> Sequence[SavedMethod]:
        """What the user has saved and may pay this with. One query."""
        if not self.payment.amount:
            return ()
        only = self.payment if is_guest(self.situation.request) else None
        return saved_methods.offered(self.situation.user, of_payment=only)

    def get_panel(self) -> dict[str, Any]:
        """The chosen payment option and its form, or why it cannot take the payment."""
        chosen, chosen_saved = self.situation.moocher, self.situation.saved
        if chosen_saved is not None:
            refusal = chosen_saved.refuse(self.payment)
        else:
            refusal = payment_options.refusal(chosen, self.payment) if chosen else ""
        return {
            "payment": self.payment,
            "moocher": chosen,
            "refusal": refusal,
            # Escaped unless it is a SafeString, as what a template rendered is.
            "form_html": self.situation.form_html,
        }

    def get_news(self) -> dict[str, Any]:
        """New charges, which the user may add to the payment."""
        new = self._new_charges
        return {
            "payment": self.payment,
            "seen": self.seen,
            "new": new,
            "text": self._news_text(new) if new else "",
        }

    def _news_text(self, new: Total) -> str:
        text = ngettext(
            "You have %(count)s new item: %(amount)s.",
            "You have %(count)s new items: %(amount)s.",
            new.count,
        )
        amount = money.format_amount(new.payable, new.currency)
        return text % {"count": number_format(new.count), "amount": amount}

    @property
    def seen(self) -> str:
        """The step, with the number and sum of the new charges."""
        new = self._new_charges
        return f"{self.name}:{new.count}:{new.amount}" if new else self.name

    @cached_property
    def _new_charges(self) -> Total | None:
        return None if is_guest(self.situation.request) else queries.newer(self.payment)
