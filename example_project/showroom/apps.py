"""The showroom's app."""

from __future__ import annotations

from django.apps import AppConfig


class ShowroomConfig(AppConfig):
    name = "showroom"
