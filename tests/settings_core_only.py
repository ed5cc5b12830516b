"""A site that keeps the books with `payments_ui.core` and has an interface of its own, or none."""

from __future__ import annotations

from tests.settings import *

UI = {"payments_ui", "crispy_forms", "django_htmx", "template_partials"}
INSTALLED_APPS = [app for app in INSTALLED_APPS if app not in UI]
MIDDLEWARE = [path for path in MIDDLEWARE if not path.startswith(("django_htmx.", "payments_ui."))]
ROOT_URLCONF = "tests.urls_core_only"
