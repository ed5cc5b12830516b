"""Payment attempts in the admin: read, and resolved by a clerk where the outcome is unknown."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui import money
from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.models import Attempt
from payments_ui.exceptions import PaymentStateError

from .actions import asks_reason
from .base import AskedAdmin, QuerysetFilter, ShowsReceived, allows, part_of
from .booking import ArrivalInline, write_off_attempt
from .lists import Recent


class AttentionFilter(QuerysetFilter):
    """What a clerk may have to act on."""

    title = _("needs attention")
    parameter_name = "attention"
    few = frozenset({"open", "unknown", "money"})
    narrow = {
        "open": (pgettext_lazy("attempt", "open"), lambda rows: rows.open()),
        "unknown": (
            _("outcome unknown"),
            lambda rows: rows.filter(state=Attempt.State.UNKNOWN),
        ),
        "money": (_("unexpected money"), lambda rows: rows.unexpected()),
    }


def _is_open(attempt: Attempt) -> bool:
    return attempt.is_open


@asks_reason(_("Mark as charged"), permission="book", fits_row=_is_open)
def mark_charged(attempt: Attempt, *, by: str, reason: str) -> None:
    """The money is in the service's list of charges; raises where the outcome is known."""
    _require_open(attempt)
    settled = attempt.book_by_hand(by=by, reason=reason)
    if settled.state != Attempt.State.SETTLED:
        kept_as = settled.get_state_display()
        raise PaymentStateError(f"Recorded as {kept_as}: the payment has changed in the meantime")


@asks_reason(_("Mark as not charged"), permission="book", fits_row=_is_open)
def mark_not_charged(attempt: Attempt, *, by: str, reason: str) -> None:
    """The service has no such charge; raises where the outcome is known."""
    _require_open(attempt)
    attempt.record(Declined(code=DeclineCode.NEVER_HAPPENED), by=by, reason=reason)


def _require_open(attempt: Attempt) -> None:
    if not attempt.is_open:
        raise PaymentStateError(f"The outcome is known: {attempt.get_state_display()}")


@admin.register(Attempt)
class AttemptAdmin(ShowsReceived, AskedAdmin):
    """Payment attempts, each as the service was asked and answered."""

    list_display = ("reference", "customer", "moocher", "money", "state", "started_at", "ended_at")
    list_select_related = ("payment__user",)
    list_filter = (AttentionFilter, "state", ("moocher", Recent), "live")
    newest_by = "started_at"
    search_fields = ("psp_reference", "payment__email")
    identified_by = ("psp_reference", "id", "idempotency_key", "payment__id")
    user_path = "payment__user"
    is_summed = True
    csv_columns = (
        *("id", "reference", "payment_id", "user", "moocher", "account", "amount", "currency"),
        *("received_amount", "received_currency", "written_off", "refunded_amount"),
        *("disputed_amount", "state", "psp_reference", "started_at", "ended_at"),
    )
    exclude = ("form_token", "open_payment", "settled_payment")
    readonly_fields = ("money", "received", "not_asked")
    shown_as = {"amount": "money", "received_amount": "received", "written_off": "not_asked"}
    currencies = ("currency", "received_currency")
    actions = (mark_charged, mark_not_charged, write_off_attempt)
    inlines = (ArrivalInline,)
    has_book_permission = allows("book_payment")

    def describe(self, row: Attempt) -> str:
        """As ever, with what came of it."""
        return ", ".join((super().describe(row), *part_of(row)))

    @admin.display(description=_("written off"))
    def not_asked(self, attempt: Attempt) -> str:
        """What is missing, and not asked for any more."""
        return money.format_amount(attempt.written_off, attempt.currency)
