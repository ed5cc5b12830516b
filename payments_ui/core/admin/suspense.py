"""Money to look at: what is open first, and what a person can decide about it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments_ui.core.models import Payment, SuspenseItem
from payments_ui.core.suspense import resolution
from payments_ui.core.suspense.queue import about

from .base import ReadOnlyAdmin
from .reasons import ReasonForm, asking_why
from .refunds import said


class OpenFilter(admin.SimpleListFilter):
    """What became of it; what is open unless one asks for more."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices but the first."""
        decided = [choice for choice in SuspenseItem.State.choices if choice[0] != "open"]
        return [*decided, ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        """The choices; the first one is what is open, and how much that is."""
        first, *others = super().choices(changelist)
        count = changelist.root_queryset.open().count()
        label = pgettext_lazy("suspense", "to look at")
        yield {**first, "display": f"{label} ({count})"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The rows of the choice."""
        match self.value():
            case None:
                return queryset.open()
            case "all":
                return queryset
            case state:
                return queryset.filter(state=state)


class MatchForm(ReasonForm):
    """Which pending payment the money is for."""

    is_for_one = True

    payment = forms.ModelChoiceField(
        label=_("Pending payment"),
        queryset=Payment.objects.none(),
        help_text=_("Its id. The magnifying glass opens the list of payments."),
    )

    def __init__(self, data: Any, **options: Any) -> None:
        super().__init__(data, **options)
        field: Any = self.fields["payment"]
        field.queryset = Payment.objects.pending()
        relation: Any = SuspenseItem._meta.get_field("payment").remote_field
        field.widget = ForeignKeyRawIdWidget(relation, self.site)


def _match(item: SuspenseItem, *, by: str, reason: str, payment: Payment) -> None:
    resolution.match(item, payment, by=by, reason=reason)


def _give_back(item: SuspenseItem, *, by: str, reason: str) -> tuple[int, Any] | None:
    resolution.give_back(item, by=by, reason=reason)
    refund = item.attempt.refunds.latest("requested_at") if item.attempt else None
    return None if refund is None else said(refund)


def _close(item: SuspenseItem, *, by: str, reason: str) -> None:
    resolution.close(item, by=by, reason=reason)


@admin.register(SuspenseItem)
class SuspenseItemAdmin(ReadOnlyAdmin):
    """Money, or an answer about money, that a person has to look at."""

    list_display = ("kind", "money", "about", "state", "opened_at", "closed_at")
    list_select_related = ("attempt", "event", "refund")
    list_filter = (OpenFilter, "kind", "currency")
    search_fields = ("=id", "attempt__psp_reference", "event__psp_reference", "event__event_id")
    actions = (
        asking_why("match", _("Charge a pending payment with it"), "resolve", _match, MatchForm),
        asking_why("give_back", _("Send it back"), "resolve", _give_back),
        asking_why("close", _("Close it, nothing is to be done"), "resolve", _close),
    )

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        """Those who may decide about money."""
        return request.user.has_perm("payments_core.resolve_suspenseitem")

    @admin.display(description=_("amount"))
    def money(self, obj: Any) -> str:
        """What arrived, where anything did."""
        return str(obj.arrived)

    @admin.display(description=_("what it is about"))
    def about(self, item: SuspenseItem) -> str:
        """One sentence."""
        return about(item)
