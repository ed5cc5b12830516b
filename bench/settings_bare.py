"""The same site without the kit, and without the apps that only the kit needs."""

from __future__ import annotations

from tests.settings import *

_OURS = ("payments_ui", "crispy_forms", "django_htmx", "template_partials")
INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith(_OURS)]
MIDDLEWARE = [each for each in MIDDLEWARE if not each.startswith(_OURS)]
ROOT_URLCONF = "tests.urls_core_only"
