"""The journal and the services' reports in the admin, read only; reports are handled again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from payments_ui import money
from payments_ui.core.models import Event, JournalEntry
from payments_ui.core.psp_port import psps

from .base import SHOWN, ReadOnlyAdmin, allows, fits
from .lists import Recent
from .people import name_of, names_of


@fits(lambda event: True, asks=False)
@admin.action(description=_("Handle again"), permissions=["resolve"])
def handle_again(
    modeladmin: ReadOnlyAdmin, request: HttpRequest, queryset: QuerySet[Event]
) -> None:
    """Ask the services again about what these reports name, and book the answers."""
    if queryset.count() > SHOWN:
        most = ngettext("Select one row only.", "Select at most %(count)s rows.", SHOWN)
        modeladmin.message_user(request, most % {"count": SHOWN}, messages.ERROR)
        return
    handled = [psps().handle_again(event) for event in queryset]
    text = _("%(handled)s of %(count)s reports are handled.")
    facts = {"handled": sum(handled), "count": len(handled)}
    level = messages.SUCCESS if all(handled) else messages.WARNING
    modeladmin.message_user(request, text % facts, level)


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """Who did what, and why."""

    list_display = ("at", "verb", "user", "done_by", "reason", "money", "payment_id")
    list_select_related = ("user",)
    list_filter = ("verb", ("payment_id", admin.EmptyFieldListFilter))
    search_fields = ("actor", "reason")
    identified_by = ("payment_id",)
    user_path = "user"
    readonly_fields = ("money", "done_by")
    shown_as = {"total": "money", "actor": "done_by"}
    csv_columns = (
        *("id", "at", "verb", "user", "actor", "reason", "total", "currency", "items"),
        *("payment_id", "attempt_id", "lineitem_id"),
    )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """As Django's; who did it all is read at once."""
        changes = super().get_changelist_instance(request)
        entries = list(changes.result_list)
        names = names_of(entry.actor for entry in entries)
        for entry in entries:
            entry.done_by = names[entry.actor]
        changes.result_list = entries
        return changes

    @admin.display(description=_("exact total"))
    def money(self, obj: JournalEntry) -> str:
        """The total with its currency."""
        return money.format_arrived(obj.total, obj.currency)

    @admin.display(description=_("done by"))
    def done_by(self, entry: JournalEntry) -> str:
        """Who did it, by name."""
        return getattr(entry, "done_by", "") or name_of(entry.actor)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Reports of payment services and banks."""

    list_display = ("event_id", "moocher", "kind", "state", "money", "attempt", "received_at")
    list_select_related = ("attempt",)
    list_filter = ("state", ("moocher", Recent), ("kind", Recent))
    csv_columns = (
        *("id", "event_id", "moocher", "account", "kind", "state", "amount", "currency"),
        *("psp_reference", "attempt_id", "received_at"),
    )
    search_fields = ("event_id", "psp_reference", "about")
    identified_by = ("event_id", "attempt__id")
    actions = (handle_again,)
    has_resolve_permission = allows("resolve_suspenseitem")

    @admin.display(description=_("amount"))
    def money(self, obj: Event) -> str:
        """What a bank says that arrived; services are asked."""
        return money.format_arrived(obj.amount, obj.currency)
