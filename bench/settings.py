"""The site that is measured: the one under test, with the ancestor beside it."""

from __future__ import annotations

import os

from tests.settings import *

# Last: both name users' items `user_lineitems`, and the ancestor reads through that name.
INSTALLED_APPS = [*INSTALLED_APPS, "user_payments"]
SILENCED_SYSTEM_CHECKS = ["fields.E304", "fields.E305"]

ROOT_URLCONF = "bench.urls"
PAYMENTS_UI = {
    "MOOCHERS": ["bench.site.card"],
    "BASE_URL": "http://127.0.0.1:9",
    "BILLING_SCHEDULE": "payments_ui.core.billing.schedules.nightly",
    "BILLING_MINIMUM": {"CHF": "0.01"},
    # No row waits for its turn.
    "RATE_LIMITS": {"card": 1_000_000},
}

# A database of its own, made for the run and dropped after it.
if DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {
        **DATABASES["default"].get("TEST", {}),
        "NAME": f"bench_payments_ui_{os.getpid()}",
    }
