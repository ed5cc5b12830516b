"""Attempts in the admin: read, and settled by a person where nobody knew the outcome."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui import money
from payments_ui.core.attempts import settlement, transitions
from payments_ui.core.attempts.outcomes import DeclineCode, Declined
from payments_ui.core.models import Attempt
from payments_ui.exceptions import PaymentStateError

from .base import AskedAdmin, user_fields
from .reasons import asking_why


class AttentionFilter(admin.SimpleListFilter):
    """What a person may have to look at."""

    title = _("attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [
            ("open", pgettext_lazy("attempt", "open")),
            ("unknown", _("outcome unknown")),
            ("money", _("money to look at")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The rows of the choice."""
        match self.value():
            case "open":
                return queryset.open()
            case "unknown":
                return queryset.filter(state=Attempt.State.UNKNOWN)
            case "money":
                return queryset.to_look_at()
            case _other:
                return queryset


def _money_arrived(row: Attempt, *, by: str, reason: str) -> None:
    _require_open(row)
    settled = settlement.money_arrived(row, by=by, reason=reason)
    if settled.state != Attempt.State.SETTLED:
        raise PaymentStateError(f"Kept as {settled.get_state_display()}: somebody was faster")


def _never_happened(row: Attempt, *, by: str, reason: str) -> None:
    _require_open(row)
    never = Declined(code=DeclineCode.NEVER_HAPPENED)
    transitions.record(row, never, by=by, reason=reason)


def _require_open(attempt: Attempt) -> None:
    if not attempt.is_open:
        raise PaymentStateError(f"Its outcome is known: {attempt.get_state_display()}")


@admin.register(Attempt)
class AttemptAdmin(AskedAdmin):
    """Attempts, as they were asked and answered."""

    list_display = ("reference", "payment", "moocher", "money", "state", "started_at", "ended_at")
    list_select_related = ("payment__user",)
    list_filter = (AttentionFilter, "state", "moocher", "live")
    exclude = ("form_token", "open_payment", "settled_payment")
    readonly_fields = ("money", "received")
    as_money: ClassVar = {"amount": "money", "received_amount": "received"}
    currencies = ("currency", "received_currency")
    actions = (
        asking_why("money_arrived", _("Money arrived"), "book", _money_arrived),
        asking_why("never_happened", _("Never happened"), "book", _never_happened),
    )

    @admin.display(description=_("received amount"))
    def received(self, attempt: Attempt) -> str:
        """What arrived."""
        return money.format_arrived(attempt.received_amount, attempt.received_currency)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """By what PSP and customer call it, and whose it is."""
        own = ["psp_reference", "id__startswith", "idempotency_key", "payment__email"]
        return [*own, *user_fields("payment__user")]

    def has_book_permission(self, request: HttpRequest) -> bool:
        """Those who may book money."""
        return request.user.has_perm("payments_core.book_payment")
