"""Failed payments in the admin: when they are tried again, why not, and a clerk's decision."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui import money
from payments_ui.core.models import Recovery

from .actions import asks_reason
from .base import QuerysetFilter, ReadOnlyAdmin, allows


class UnpaidFilter(QuerysetFilter):
    """Those that are not over, and those that are."""

    title = _("payment")
    parameter_name = "payment"
    narrow = {
        "unpaid": (pgettext_lazy("failed payment", "not paid yet"), lambda rows: rows.unpaid()),
        "over": (
            pgettext_lazy("failed payment", "paid or cancelled"),
            lambda rows: rows.exclude(pk__in=rows.unpaid()),
        ),
    }


@admin.register(Recovery)
class RecoveryAdmin(ReadOnlyAdmin):
    """Each with its next try; a clerk has it tried at the next run, or stops the tries."""

    list_display = (
        *("amount", "customer", "method", "state", "tries", "failed_at", "next_try_at", "why"),
    )
    list_select_related = ("payment__user", "payment_method")
    list_filter = (UnpaidFilter, "state", "failure_code")
    newest_by = "failed_at"
    identified_by = ("payment__id",)
    user_path = "payment__user"
    readonly_fields = ()
    exclude = ("card",)
    actions = (
        asks_reason(_("Try again at the next run"), permission="plan")(Recovery.plan),
        asks_reason(_("Stop the tries"), permission="plan")(Recovery.stop),
    )
    has_plan_permission = allows("plan_recovery")

    @admin.display(description=_("amount"))
    def amount(self, obj: Recovery) -> str:
        """What is owed."""
        return money.format_amount(obj.payment.amount, obj.payment.currency)

    @admin.display(description=_("user"))
    def customer(self, obj: Recovery) -> str:
        """Whose payment it is."""
        return str(obj.payment.user)

    @admin.display(description=_("payment method"))
    def method(self, obj: Recovery) -> str:
        """The card as its user knows it."""
        return "" if obj.payment_method is None else obj.payment_method.label

    def describe(self, row: Any) -> str:
        """Amount, customer and card."""
        return f"{self.amount(row)}, {self.customer(row)}, {self.method(row)}"
