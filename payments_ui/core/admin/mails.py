"""Mails to customers in the admin: which were sent, and which they do not want."""

from __future__ import annotations

from django.contrib import admin

from payments_ui.core.models import Mail, MailStop

from .base import ReadOnlyAdmin


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """Each mail once; what it said is not kept."""

    list_display = ("kind", "user", "about", "state", "tries", "sent_at", "problem")
    list_select_related = ("user",)
    list_filter = ("kind", "state")
    search_fields = ("about",)
    identified_by = ("about",)
    user_path = "user"
    readonly_fields = ()


@admin.register(MailStop)
class MailStopAdmin(ReadOnlyAdmin):
    """Which mails users have declined."""

    list_display = ("user", "kind", "at")
    list_select_related = ("user",)
    list_filter = ("kind",)
    search_fields = ("kind",)
    user_path = "user"
    readonly_fields = ()
