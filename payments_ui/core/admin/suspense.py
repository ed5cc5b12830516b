"""Unexpected money and missing answers in the admin: what needs review, and how to resolve it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments_ui.core.models import Payment, SuspenseItem

from .actions import Notice, ReasonForm, asks_reason
from .base import ReadOnlyAdmin, allows
from .refunds import notice

_OPEN = SuspenseItem.State.OPEN


class OpenFilter(admin.SimpleListFilter):
    """The state; open items unless the clerk asks for others."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices but the first."""
        resolved = [state for state in SuspenseItem.State if state != _OPEN]
        return [*((state.value, state.label) for state in resolved), ("all", _("All"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The choices; the first is what is open, with its number."""
        first, *others = super().choices(changelist)
        yield {**first, "display": f"{_OPEN.label} ({changelist.root_queryset.open().count()})"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[SuspenseItem]:
        """The rows of the choice."""
        state = self.value() or _OPEN
        rows: QuerySet[SuspenseItem] = queryset
        return rows if state == "all" else rows.filter(state=state)


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


@asks_reason(_("Refund"), permission="resolve")
def give_back(item: SuspenseItem, *, by: str, reason: str) -> Notice | None:
    """Send the money back where it came from."""
    item.give_back(by=by, reason=reason)
    return notice(item.attempt.refunds.latest("requested_at")) if item.attempt else None


@admin.register(SuspenseItem)
class SuspenseItemAdmin(ReadOnlyAdmin):
    """Unexpected money, and payments or refunds without an answer, for a clerk to resolve."""

    list_display = ("kind", "money", "about", "state", "opened_at", "closed_at")
    list_select_related = ("attempt", "event", "refund")
    list_filter = (OpenFilter, "kind", "currency")
    search_fields = ("=id", "attempt__psp_reference", "event__psp_reference", "event__event_id")
    actions = (
        asks_reason(_("Match to a pending payment"), permission="resolve", form_class=MatchForm)(
            SuspenseItem.match
        ),
        give_back,
        asks_reason(_("Close without action"), permission="resolve")(SuspenseItem.close),
    )
    has_resolve_permission = allows("resolve_suspenseitem")

    @admin.display(description=_("amount"))
    def money(self, obj: SuspenseItem) -> str:
        """What arrived; empty where only an answer is missing."""
        return obj.arrived

    @admin.display(description=_("details"))
    def about(self, item: SuspenseItem) -> str:
        """What arrived and for what, in one sentence."""
        return item.describe()
