"""Hillshade on a visitor's own machine: no password, an offline card company, all looks."""

from __future__ import annotations

import os

import django

PORT = int(os.environ.get("HILLSHADE_PORT", "8000"))
os.environ.setdefault("HILLSHADE_SANDBOX_URL", f"http://127.0.0.1:{PORT + 1}")

from hillshade.settings import *  # noqa: E402 (it reads the environment)
from hillshade.settings import INSTALLED_APPS, MIDDLEWARE, PAYMENTS_UI, VAR_DIR  # noqa: E402
from showroom.kit import LookedAt  # noqa: E402

DEBUG = True
SECRET_KEY = "demo: anybody may know it, nobody but this machine is listened to"  # noqa: S105

#: Signs a first visitor in as Ada. Works with DEBUG and from this machine only.
SHOWROOM_SIGN_IN = True
MIDDLEWARE = [*MIDDLEWARE, "showroom.middleware.sign_in", "showroom.middleware.follow"]

# Mails are printed where the demo was started.
CONSOLE = "django.core.mail.backends.console.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": CONSOLE}}
else:
    EMAIL_BACKEND = CONSOLE

SANDBOX_API_KEY = "sandbox-key-of-the-demo"
SANDBOX_WEBHOOK_SECRET = "sandbox-secret-of-the-demo"  # noqa: S105
SANDBOX_LEDGER = VAR_DIR / "sandbox.sqlite3"

PAYMENTS_UI = LookedAt(
    PAYMENTS_UI,
    MOOCHERS=[
        "hillshade.demo_moochers.card",
        "hillshade.demo_moochers.stripe",
        "hillshade.demo_moochers.wallet",
        "hillshade.moochers.transfer",
    ],
    ATTEMPTS_PER_HOUR=500,  # for who tries out every card
    LIVE_INTERVAL=10,
    BILLING_MINIMUM={"CHF": "0.50"},
    BASE_URL=f"http://127.0.0.1:{PORT}",
    # Whoever tries the demo in the evening sees what the next nights do, too.
    RETRY_HOURS=(0, 24),
)
if os.environ.get("HILLSHADE_CLASSIC"):
    # One of django-mooch's own moochers, unmodified, for who wants to see that it works.
    PAYMENTS_UI["MOOCHERS"] = [*PAYMENTS_UI["MOOCHERS"], "hillshade.demo_moochers.classic"]
    INSTALLED_APPS = [*INSTALLED_APPS, "mooch"]
    MIDDLEWARE = [*MIDDLEWARE, "payments_ui.mooch.middleware.MoochMiddleware"]
    ROOT_URLCONF = "hillshade.classic_urls"
