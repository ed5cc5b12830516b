"""Hillshade's settings, as on a server. ``demo_settings`` adds what the demo needs."""

from __future__ import annotations

import os
from pathlib import Path

import django

from hillshade import csp, stripe
from payments_ui.moochers.stripe import csp_sources

BASE_DIR = Path(__file__).resolve().parent.parent
#: The database and the offline PSP's books; never in git.
VAR_DIR = Path(os.environ.get("HILLSHADE_VAR", BASE_DIR / "var"))

# --- Plain Django -------------------------------------------------------------------------

SECRET_KEY = os.environ.get("HILLSHADE_SECRET_KEY", "")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    # Django 6.0 has template partials built in.
    *(["template_partials"] if django.VERSION < (6, 0) else []),
    "crispy_forms",
    "crispy_bootstrap5",
    "payments_ui",
    "payments_ui.core",
    "atelier",
    "showroom",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "payments_ui.middleware.PrivatePagesMiddleware",
    "showroom.middleware.preferences",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "showroom.context_processors.showroom",
            ]
        },
    }
]

ROOT_URLCONF = "hillshade.urls"
WSGI_APPLICATION = "hillshade.wsgi.application"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR_DIR / "hillshade.sqlite3",
        # Readers and a writer at the same time; writers wait for each other, and never fail
        # half-way because they began by reading.
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("it", "Italiano")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Europe/Zurich"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

# Cookies know no ports: names of our own keep other sites on this machine apart.
SESSION_COOKIE_NAME = "hillshade_session"
CSRF_COOKIE_NAME = "hillshade_csrf"
LANGUAGE_COOKIE_NAME = "hillshade_language"

LOGIN_REDIRECT_URL = "atelier:dashboard"
LOGOUT_REDIRECT_URL = "atelier:home"

# --- Strict Content Security Policy -------------------------------------------------------

#: Where the sandbox's pretend card company is. It exists in the demo and in tests only.
SANDBOX_URL = os.environ.get("HILLSHADE_SANDBOX_URL", "")
#: How to pay at Stripe: in the demo at a stand-in, unless the environment has keys.
STRIPE = stripe.options(os.environ, stand_in_url=SANDBOX_URL)
PAYS_AT_STRIPE = "api_base" not in STRIPE
PAY_AT = ["https://checkout.stripe.com"] if PAYS_AT_STRIPE else []
PAY_AT += [SANDBOX_URL] if SANDBOX_URL else []
SOURCES = (
    csp_sources(**{name: STRIPE[name] for name in STRIPE.keys() & {"script_url"}}) if PAY_AT else {}
)

if django.VERSION >= (6, 0):
    from django.utils.csp import CSP

    SECURE_CSP = csp.policy(nonce=CSP.NONCE, pay_at=PAY_AT, sources=SOURCES)
    MIDDLEWARE.insert(1, "django.middleware.csp.ContentSecurityPolicyMiddleware")
    TEMPLATES[0]["OPTIONS"]["context_processors"].append("django.template.context_processors.csp")
else:
    from csp.constants import NONCE

    INSTALLED_APPS.append("csp")
    CONTENT_SECURITY_POLICY = {
        "DIRECTIVES": csp.policy(nonce=NONCE, pay_at=PAY_AT, sources=SOURCES)
    }
    MIDDLEWARE.insert(1, "csp.middleware.CSPMiddleware")

# --- Payments -----------------------------------------------------------------------------

PAYMENTS_UI = {
    "CURRENCY": "CHF",
    "MOOCHERS": ["hillshade.moochers.transfer"],
    "BASE_TEMPLATE": "base.html",
    "PAYER": "showroom.team.payer",
    "PAYEE": "Hillshade GmbH",
    "PAYEE_ADDRESS": "Schattenhalb 7\n3860 Meiringen\nSwitzerland",
}
