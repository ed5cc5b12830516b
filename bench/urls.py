"""The kit's URLs, and the views that its heartbeat is compared with."""

from __future__ import annotations

from django.urls import path

from bench.rows.heartbeat import empty_view, page_view, session_view
from tests.urls import urlpatterns as site

urlpatterns = [
    path("empty/", empty_view),
    path("session/", session_view),
    path("page/", page_view),
    *site,
]
