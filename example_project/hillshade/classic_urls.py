"""The site's addresses with those of django-mooch's own moocher."""

from __future__ import annotations

from django.urls import include, path

from hillshade.demo_moochers import classic
from hillshade.urls import urlpatterns as usual

urlpatterns = [*usual, path("mooch/", include((classic.urls, "mooch")))]
