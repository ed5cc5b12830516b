"""The example's site as the end-to-end tests run it, and a few bare hosts beside it."""

from __future__ import annotations

import os
from pathlib import Path

from hillshade.settings import *
from hillshade.settings import (
    DATABASES,
    INSTALLED_APPS,
    LANGUAGES,
    LOCALE_PATHS,
    MIDDLEWARE,
    PAYMENTS_UI,
    TEMPLATES,
)
from showroom.kit import LookedAt
from tests import english

english.write_amounts()

SECRET_KEY = "end-to-end tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# No test cuts the power, so no commit waits for the disk.
DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
ROOT_URLCONF = "e2e.site.urls"
# django-mooch's own moocher is listed below: its view needs the protection.
MIDDLEWARE = [
    "e2e.site.rest.counting",
    "e2e.site.violations.asking",
    *MIDDLEWARE,
    "payments_ui.mooch.middleware.MoochMiddleware",
]
INSTALLED_APPS = [*INSTALLED_APPS, "mooch", "e2e.site"]
TEMPLATES[0]["DIRS"] = [*TEMPLATES[0]["DIRS"], Path(__file__).parent / "site" / "templates"]

# Languages that are written from right to left. The site has translated the kit to one of them (to
# English behind a mark, which tests can find), and nobody has to the other. And Swiss German.
LANGUAGES = [*LANGUAGES, ("de-ch", "Deutsch (Schweiz)"), ("he", "Hebrew"), ("ar", "Arabic")]
LOCALE_PATHS = [*LOCALE_PATHS, Path(__file__).parent / "site" / "locale"]

SANDBOX_API_KEY = os.environ["E2E_API_KEY"]
SANDBOX_WEBHOOK_SECRET = os.environ["E2E_WEBHOOK_SECRET"]

PAYMENTS_UI = LookedAt(
    PAYMENTS_UI,
    ALLOW_SANDBOX=True,
    LIVE_INTERVAL=1,
    ATTEMPTS_PER_HOUR=1000,
    MOOCHERS=[
        "hillshade.demo_moochers.card",
        "hillshade.demo_moochers.stripe",
        "hillshade.demo_moochers.wallet",
        "hillshade.moochers.transfer",
        "hillshade.demo_moochers.classic",
        "e2e.site.moochers.mollie",
    ],
)

# Whatever goes wrong is in the log, where the tests look for it.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"django": {"handlers": ["console"], "level": "WARNING", "propagate": False}},
}
