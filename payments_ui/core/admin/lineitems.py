"""Line items in the admin: a clerk corrects unbound ones; bound and paid ones are read only."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments_ui.conf import settings
from payments_ui.core import journal
from payments_ui.core.models import JournalEntry, LineItem
from payments_ui.core.privacy.redaction import redact

from .base import MoneyAdmin, QuerysetFilter
from .lists import Recent


class BoundFilter(QuerysetFilter):
    """Unbound, bound to a payment, or paid."""

    title = _("state")
    parameter_name = "state"
    narrow = {
        "unbound": (_("unbound"), lambda items: items.unbound()),
        "bound": (_("bound"), lambda items: items.unpaid().exclude(payment=None)),
        "paid": (_("paid"), lambda items: items.filter(payment__charged_at__isnull=False)),
    }


@admin.register(LineItem)
class LineItemAdmin(MoneyAdmin):
    """Line items. The journal names who adds, corrects or deletes one."""

    list_display = ("title", "user", "money", "calculation", "used_at", "recorded_at", "of_payment")
    list_select_related = ("user", "payment")
    list_filter = (BoundFilter, ("currency", Recent))
    fields = (
        *("user", "title", "amount", "currency", "quantity", "unit", "unit_price", "used_at"),
        *("key", "created_at", "payment"),
    )
    readonly_fields = ("created_at", "payment")
    raw_id_fields = ("user",)
    is_summed = True
    csv_columns = (
        *("id", "user", "title", "amount", "currency", "quantity", "unit", "unit_price"),
        *("used_at", "created_at", "key", "payment_id"),
    )
    search_fields = ("title", "key")
    user_path = "user"

    # By id, which is the order of the list, and has an index.
    @admin.display(description=_("recorded at"), ordering="id")
    def recorded_at(self, item: LineItem) -> dt.datetime:
        """When it was recorded."""
        return item.created_at

    @admin.display(description=_("payment"))
    def of_payment(self, item: LineItem) -> str:
        """The number of the payment, by which its list finds it."""
        return "" if item.payment is None else item.payment.number

    @admin.display(description=_("calculation"))
    def calculation(self, item: LineItem) -> str:
        """Quantity, unit and unit price; empty for an amount alone."""
        return item.calculation

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The site's currency."""
        return {"currency": settings.CURRENCY, **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: LineItem | None = None) -> bool:
        """As Django's, while the item is unbound."""
        return _is_unbound(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: LineItem | None = None) -> bool:
        """As Django's, while the item is unbound."""
        return _is_unbound(obj) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: LineItem, form: Any, change: bool) -> None:
        """Save by the model, which checks; the journal names the clerk."""
        obj.title = redact(obj.title)
        with journal.acting(journal.by_user(request.user)):
            obj.save()
            if not change:
                journal.lineitem(JournalEntry.Verb.LINEITEM_ADDED, obj)

    def delete_model(self, request: HttpRequest, obj: LineItem) -> None:
        """Delete by the model; the journal names the clerk."""
        with journal.acting(journal.by_user(request.user)):
            obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[LineItem]) -> None:
        """Delete by the queryset; the journal names the clerk."""
        with journal.acting(journal.by_user(request.user)):
            queryset.delete()


def _is_unbound(item: LineItem | None) -> bool:
    return item is None or item.payment_id is None
