"""The kit's URLs, and the bare views that its heartbeat is compared with."""

from __future__ import annotations

from django.urls import path

from bench.heartbeat import bare_view, session_view
from tests.urls import urlpatterns as site

urlpatterns = [path("bare/", bare_view), path("session/", session_view), *site]
