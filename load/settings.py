"""Hillshade as on a server: PostgreSQL instead of a file, and the sandbox to pay with."""

from __future__ import annotations

import os

from hillshade.settings import *
from hillshade.settings import PAYMENTS_UI
from tests.settings import database

SECRET_KEY = "load tests only"
DATABASES = {"default": {**database("postgres"), "CONN_MAX_AGE": 60}}
# Made for the run, and dropped after it; the servers are told its name.
DATABASES["default"]["TEST"] = {"NAME": f"load_payments_ui_{os.getpid()}"}
DATABASES["default"]["NAME"] = os.environ.get("LOAD_DATABASE", DATABASES["default"]["NAME"])

SANDBOX_API_KEY = os.environ["LOAD_API_KEY"]
SANDBOX_WEBHOOK_SECRET = os.environ["LOAD_WEBHOOK_SECRET"]
PAYMENTS_UI = {
    **PAYMENTS_UI,
    "ALLOW_SANDBOX": True,
    "ATTEMPTS_PER_HOUR": 1_000_000,
    "MOOCHERS": ["hillshade.demo_moochers.card", "hillshade.moochers.transfer"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        "django": {"handlers": ["console"], "level": "ERROR", "propagate": False},
        "payments_ui": {"handlers": ["console"], "level": "WARNING"},
    },
}
