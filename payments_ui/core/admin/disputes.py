"""Disputes in the admin: read, and the charges of lost ones made owed again by a clerk."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui import money
from payments_ui.core.models import Dispute
from payments_ui.exceptions import NoDisputeLostError

from .actions import asks_reason
from .base import QuerysetFilter, ReadOnlyAdmin, ReadOnlyInline, allows
from .lists import Recent


class DisputeInline(ReadOnlyInline):
    """The first disputes of a payment."""

    model = Dispute
    fields = readonly_fields = ("state", "money", "reason", "evidence_due_by", "closed_at")


class AttentionFilter(QuerysetFilter):
    """What waits for a clerk."""

    title = _("needs attention")
    parameter_name = "attention"
    few = frozenset({"evidence", "open", "lost"})
    narrow = {
        "evidence": (
            _("evidence is due"),
            lambda rows: rows.filter(state=Dispute.State.NEEDS_RESPONSE),
        ),
        "open": (pgettext_lazy("dispute", "open"), lambda rows: rows.open()),
        "lost": (
            _("lost, and not owed again"),
            lambda rows: rows.lost().filter(reopened_at=None),
        ),
    }


@asks_reason(
    _("Let the items be owed again"),
    permission="undo",
    fits_row=lambda dispute: dispute.state == Dispute.State.LOST and not dispute.reopened_at,
)
def reopen(dispute: Dispute, *, by: str, reason: str) -> None:
    """The customer owes again what this dispute has taken; raises unless it was lost."""
    if dispute.state != Dispute.State.LOST:
        raise NoDisputeLostError(f"It is not lost: {dispute.get_state_display()}")
    dispute.payment.reopen_charges(by=by, reason=reason)


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Disputes, each as the service reported it last."""

    list_display = (
        *("psp_reference", "customer", "money", "state", "evidence_due_by", "taken"),
        *("opened_at", "closed_at"),
    )
    list_select_related = ("payment__user",)
    list_filter = (AttentionFilter, "state", ("attempt__moocher", Recent))
    newest_by = "opened_at"
    search_fields = ("psp_reference", "reason", "payment__email")
    identified_by = ("psp_reference", "attempt__psp_reference", "payment__id")
    user_path = "payment__user"
    readonly_fields = ("money", "taken_away", "put_back")
    shown_as = {"amount": "money", "withdrawn": "taken_away", "reinstated": "put_back"}
    actions = (reopen,)
    is_summed = True
    csv_columns = (
        *("id", "psp_reference", "payment_id", "user", "amount", "currency", "state", "reason"),
        *("withdrawn", "reinstated", "evidence_due_by", "opened_at", "closed_at"),
    )
    has_undo_permission = allows("undo_payment")

    @admin.display(description=_("user"), ordering="payment__user")
    def customer(self, dispute: Dispute) -> str:
        """The user whose payment it is."""
        return str(dispute.payment.user)

    @admin.display(description=_("withdrawn"))
    def taken_away(self, dispute: Dispute) -> str:
        """What the service has taken."""
        return money.format_amount(dispute.withdrawn, dispute.currency)

    @admin.display(description=_("reinstated"))
    def put_back(self, dispute: Dispute) -> str:
        """What the service has put back since."""
        return money.format_amount(dispute.reinstated, dispute.currency)

    @admin.display(description=_("taken"))
    def taken(self, dispute: Dispute) -> str:
        """What it has taken and not put back."""
        return money.format_amount(dispute.taken, dispute.currency)

    def describe(self, row: Dispute) -> str:
        """Amount, customer and the service's reference."""
        return f"{self.money(row)}, {self.customer(row)}, {row.psp_reference}"
