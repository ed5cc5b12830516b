"""The example's addresses with django-mooch's own moocher, the director and the hosts."""

from __future__ import annotations

from django.urls import path

from e2e.site import director, hosts, violations
from hillshade.classic_urls import urlpatterns as example

urlpatterns = [
    *example,
    path("director/<slug:name>/", director.direct),
    path(violations.PATH, violations.report),
    path("hosts/<slug:name>/", hosts.host, name="host"),
]
