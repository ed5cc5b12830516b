"""URLs of the site under test."""

from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.urls import URLPattern, URLResolver, include, path

from tests import urls_core_only

urlpatterns: list[URLPattern | URLResolver] = [
    *urls_core_only.urlpatterns,
    path("login/", LoginView.as_view(), name="login"),
    path("", include("payments_ui.urls")),
]
