"""What a process of a scenario starts from: Django, warm, and no connection open.

The server that forks such processes imports this once, so that one costs milliseconds instead of
seconds. It knows the database under test by TORTURE_DATABASE.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import django
from django.conf import settings
from django.template.loader import get_template
from django.utils import translation

import payments_ui

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
settings.DATABASES["default"]["NAME"] = os.environ["TORTURE_DATABASE"]
settings.ALLOWED_HOSTS = ["*"]
django.setup()

for name in (settings.ROOT_URLCONF, *settings.MIDDLEWARE, "tests.reliability.jobs.run"):
    import_module(name if name == settings.ROOT_URLCONF else name.rpartition(".")[0])
import_module("django.contrib.sessions.backends.signed_cookies")
_templates = Path(payments_ui.__file__).parent / "templates"
for path in sorted(_templates.rglob("*.html")):
    get_template(str(path.relative_to(_templates)))
with translation.override("en"):
    translation.gettext("Pay")
