"""The journal and the services' reports in the admin, both read only."""

from __future__ import annotations

from django.contrib import admin

from payments_ui.core.models import Event, JournalEntry

from .base import ReadOnlyAdmin


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """Who did what, and why."""

    list_display = ("at", "verb", "user", "actor", "reason", "total", "currency", "payment_id")
    list_select_related = ("user",)
    list_filter = ("verb", ("payment_id", admin.EmptyFieldListFilter))
    search_fields = ("actor", "reason", "payment_id__startswith")
    user_path = "user"


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Reports of payment services and banks."""

    list_display = ("event_id", "moocher", "state", "amount", "currency", "received_at")
    list_filter = ("state", "moocher")
    search_fields = ("event_id", "psp_reference")
