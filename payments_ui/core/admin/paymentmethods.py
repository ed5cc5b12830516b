"""Saved payment methods in the admin: what users agreed to, and what PSPs keep."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui.core.models import Customer, PaymentMethod

from .actions import asks_reason
from .base import QuerysetFilter, ReadOnlyAdmin, allows
from .lists import Recent


class InUseFilter(QuerysetFilter):
    """What is in use, and what the PSP has yet to give up."""

    title = _("use")
    parameter_name = "use"
    few = frozenset({"removing"})
    narrow = {
        "active": (pgettext_lazy("payment method", "in use"), lambda rows: rows.active()),
        "removing": (
            pgettext_lazy("payment method", "to be removed from the service"),
            lambda rows: rows.filter(state=PaymentMethod.State.REMOVING),
        ),
    }


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ReadOnlyAdmin):
    """Each with its user's consent; a clerk can only remove them."""

    list_display = (
        *("card", "user", "psp_customer", "state", "is_default", "unattended"),
        *("created_at", "last_used_at", "removed_at"),
    )
    list_select_related = ("user", "psp_customer")
    list_filter = (InUseFilter, "state", ("moocher", Recent))
    newest_by = "created_at"
    search_fields = ("method_id", "psp_reference")
    identified_by = ("id", "psp_customer__customer_id")
    user_path = "user"
    readonly_fields = ()
    exclude = ("fingerprint", "one_default")
    actions = (
        asks_reason(
            _("Remove, also from the service"),
            permission="remove",
            fits_row=lambda method: method.state == PaymentMethod.State.ACTIVE,
        )(PaymentMethod.remove),
    )
    has_remove_permission = allows("remove_paymentmethod")

    @admin.display(description=_("payment method"))
    def card(self, obj: PaymentMethod) -> str:
        """As its user knows it."""
        return obj.label or obj.pk.hex[:8].upper()

    @admin.display(description=_("charged without the user"), boolean=True)
    def unattended(self, obj: PaymentMethod) -> bool:
        """Whether its user agreed to that."""
        return obj.allows_unattended

    def describe(self, row: Any) -> str:
        """The card and its user."""
        return f"{self.card(row)}, {row.user}"


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    """Users as PSPs name them."""

    list_display = ("user", "psp", "account", "live", "customer_id", "removed_at", "forgotten_at")
    list_select_related = ("user",)
    list_filter = (("psp", Recent), "live")
    search_fields = ("customer_id",)
    identified_by = ("customer_id",)
    user_path = "user"
    readonly_fields = ()
    exclude = ("current",)
