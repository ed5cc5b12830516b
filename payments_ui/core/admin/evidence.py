"""Journal and events in the admin: read only."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from payments_ui.core.models import Event, JournalEntry

from .base import ReadOnlyAdmin, user_fields


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """Who did what, and why."""

    list_display = ("at", "verb", "user", "actor", "reason", "total", "currency", "payment_id")
    list_select_related = ("user",)
    list_filter = ("verb", ("payment_id", admin.EmptyFieldListFilter))

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Whose, by whom, why, and of what."""
        return [*user_fields(), "actor", "reason", "payment_id__startswith"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What PSPs and banks reported."""

    list_display = ("event_id", "moocher", "state", "amount", "currency", "received_at")
    list_filter = ("state", "moocher")
    search_fields = ("event_id", "psp_reference")
