"""The clerk's view of the product."""

from __future__ import annotations

from django.contrib import admin

from atelier.models import Print, Sheet


@admin.register(Sheet)
class SheetAdmin(admin.ModelAdmin):
    list_display = ["name", "owner", "terrain", "size", "created_at"]
    list_filter = ["terrain", "size"]
    search_fields = ["name", "owner__username", "owner__email"]
    readonly_fields = ["owner", "terrain", "size", "seed", "created_at"]

    def has_add_permission(self, request: object) -> bool:
        return False


@admin.register(Print)
class PrintAdmin(admin.ModelAdmin):
    list_display = ["sheet", "destination", "created_at"]
    list_filter = ["destination"]
    list_select_related = ["sheet"]
    readonly_fields = ["sheet", "destination", "created_at"]

    def has_add_permission(self, request: object) -> bool:
        return False
