"""Line items in the admin: corrected while unbound, frozen when they belong to a payment."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments_ui.conf import settings
from payments_ui.core import journal
from payments_ui.core.models import JournalEntry, LineItem
from payments_ui.core.privacy.redaction import scrubbed

from .base import MoneyAdmin, user_fields


class BoundFilter(admin.SimpleListFilter):
    """By what became of the line item."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [("unbound", _("unbound")), ("bound", _("bound")), ("paid", _("paid"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The rows of the choice."""
        charged = {"payment__charged_at__isnull": False}
        match self.value():
            case "unbound":
                return queryset.filter(payment__isnull=True)
            case "bound":
                return queryset.filter(payment__isnull=False, payment__charged_at__isnull=True)
            case "paid":
                return queryset.filter(**charged)
            case _other:
                return queryset


@admin.register(LineItem)
class LineItemAdmin(MoneyAdmin):
    """Line items. Who adds, corrects or deletes one is journalled."""

    list_display = ("title", "user", "money", "created_at", "payment")
    list_select_related = ("user", "payment")
    list_filter = (BoundFilter, "currency")
    fields = ("user", "title", "amount", "currency", "key", "created_at", "payment")
    readonly_fields = ("created_at", "payment")
    raw_id_fields = ("user",)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Whose, what, and the key."""
        return [*user_fields(), "title", "key"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The site's currency."""
        return {"currency": settings.CURRENCY, **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who may, while the item is unbound."""
        return _is_unbound(obj) and admin.ModelAdmin.has_change_permission(self, request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who may, while the item is unbound."""
        return _is_unbound(obj) and admin.ModelAdmin.has_delete_permission(self, request, obj)

    def save_model(self, request: HttpRequest, obj: LineItem, form: Any, change: bool) -> None:
        """Save by the model, which checks, and say who it was."""
        obj.title = scrubbed(obj.title)
        with journal.acting(journal.by_user(request.user)):
            obj.save()
            if not change:
                journal.lineitem(JournalEntry.Verb.LINEITEM_ADDED, obj)

    def delete_model(self, request: HttpRequest, obj: LineItem) -> None:
        """Delete by the model, and say who it was."""
        with journal.acting(journal.by_user(request.user)):
            obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Delete by the model, and say who it was."""
        with journal.acting(journal.by_user(request.user)):
            queryset.delete()


def _is_unbound(item: LineItem | None) -> bool:
    return item is None or item.payment_id is None
