"""The site under test: as small as a host can be.

`DATABASE=sqlite|postgres|mariadb` picks the server. The servers are looked for where their packages
put them on one machine; `DATABASE_NAME`, `DATABASE_HOST`, `DATABASE_PORT`, `DATABASE_USER` and
`DATABASE_PASSWORD` say otherwise. Runs that share a server need a `DATABASE_NAME` each.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import django

from tests import english

BASE_DIR = Path(__file__).resolve().parent


def database(kind: str) -> dict[str, Any]:
    """Return the settings of one kind of database; an unknown kind is a KeyError."""
    return {"sqlite": _sqlite, "postgres": _postgres, "mariadb": _mariadb}[kind]()


def _sqlite() -> dict[str, Any]:
    # A file, since threads that share a database in memory lock each other out of whole tables;
    # one for each process, so that runs side by side do not meet.
    name = Path(tempfile.gettempdir()) / f"payments-ui-test-{os.getpid()}.sqlite3"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        # No test cuts the power, so no commit waits for the disk.
        "OPTIONS": {"timeout": 20, "init_command": "PRAGMA synchronous=OFF"},
        "TEST": {"NAME": name},
    }


def _postgres() -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.postgresql", **_server("5432", "postgres")}


def _mariadb() -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.mysql",
        **_server("3306", "root"),
        "OPTIONS": {"charset": "utf8mb4"},
        "TEST": {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"},
    }


def _server(port: str, user: str) -> dict[str, Any]:
    return {
        "NAME": os.environ.get("DATABASE_NAME", "payments_ui"),
        "HOST": os.environ.get("DATABASE_HOST", "127.0.0.1"),
        "PORT": os.environ.get("DATABASE_PORT", port),
        "USER": os.environ.get("DATABASE_USER", user),
        "PASSWORD": os.environ.get("DATABASE_PASSWORD", ""),
    }


DEBUG = False
SECRET_KEY = "tests only"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "Europe/Zurich"
LANGUAGE_CODE = "en"
english.write_amounts()
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("it", "Italiano")]
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database(os.environ.get("DATABASE", "sqlite"))}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Django 6.0 wants addresses alone, and 6.1 its mail servers in one dict.
ADMINS = ["ada@example.com"] if django.VERSION >= (6, 0) else [("Ada", "ada@example.com")]
if django.VERSION >= (6, 1):
    # What processes of their own mail goes nowhere.
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
ROOT_URLCONF = "tests.urls"
LOGIN_URL = "/login/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "crispy_forms",
    "django_htmx",
    # Django 6.0 has template partials built in.
    *(["template_partials"] if django.VERSION < (6, 0) else []),
    "payments_ui",
    "payments_ui.core",
    "payments_ui.importing",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "payments_ui.middleware.PrivatePagesMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

PAYMENTS_UI: dict[str, Any] = {}
