"""The app of the tests' own pages."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "e2e.site"
    label = "e2e_site"
