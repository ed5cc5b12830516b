"""The site's addresses."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("atelier.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("billing/", include("payments_ui.urls")),
    path("showroom/", include("showroom.urls")),
    path("admin/", admin.site.urls),
]
