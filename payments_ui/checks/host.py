"""What the site around the kit has to provide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.template import TemplateDoesNotExist, engines
from django.template.backends.django import DjangoTemplates
from django.template.loader import get_template
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from payments_ui.components.classes import PRESETS, SLOTS
from payments_ui.conf import settings
from payments_ui.core.checks import RULES, nearest

_MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)
_PRIVATE_PAGES = "payments_ui.middleware.PrivatePagesMiddleware"
_REQUEST = "django.template.context_processors.request"


def check_apps(**kwargs: Any) -> list[CheckMessage]:
    """The core and what draws the forms are installed."""
    needed = {"payments_ui.core": "E010", "crispy_forms": "E011"}
    return [
        Error(
            f"{name!r} is not in INSTALLED_APPS.",
            hint=f'Add "{name}" to INSTALLED_APPS.',
            id=f"payments_ui.{number}",
        )
        for name, number in needed.items()
        if not apps.is_installed(name)
    ]


def check_private_pages(**kwargs: Any) -> list[CheckMessage]:
    """No cache between the site and its visitors keeps a page with a payer's charges."""
    if has_middleware(_PRIVATE_PAGES):
        return []
    return [
        Warning(
            f"{_PRIVATE_PAGES!r} is not in MIDDLEWARE.",
            hint=f'Add "{_PRIVATE_PAGES}" to MIDDLEWARE: it tells proxies and content delivery '
            "networks to keep no page with a widget.",
            id="payments_ui.W028",
        )
    ]


def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """Payments need a session, a user, and protection of forms."""
    return [
        Error(
            f"{path!r} is not in MIDDLEWARE.",
            hint=f'Add "{path}" to MIDDLEWARE: payments need sessions, users and CSRF protection.',
            id="payments_ui.E012",
        )
        for path in _MIDDLEWARE
        if not has_middleware(path)
    ]


def has_middleware(path: str) -> bool:
    """Whether MIDDLEWARE holds it, or a subclass of it."""
    if path in django_settings.MIDDLEWARE:
        return True
    wanted = import_string(path)
    return any(_is_subclass(other, wanted) for other in django_settings.MIDDLEWARE)


def _is_subclass(path: str, wanted: type) -> bool:
    try:
        found = import_string(path)
    except ImportError:
        # Django says so itself, when it starts.
        return False
    return isinstance(found, type) and issubclass(found, wanted)


def check_context_processor(**kwargs: Any) -> list[CheckMessage]:
    """The tags find their user through the request in the template's context."""
    if any(_REQUEST in backend.engine.context_processors for backend in django_engines()):
        return []
    hint = f'Add "{_REQUEST}" to the context_processors in TEMPLATES: the tags need the request.'
    text = "No template engine puts the request into its context."
    return [Error(text, hint=hint, id="payments_ui.E013")]


def django_engines() -> list[DjangoTemplates]:
    """The site's engines for Django templates."""
    return [backend for backend in engines.all() if isinstance(backend, DjangoTemplates)]


def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """The widgets' views can be reached."""
    try:
        reverse("payments_ui:charges")
    except NoReverseMatch:
        hint = 'Add path("", include("payments_ui.urls")) to your URLs; any prefix will do.'
        return [Error("payments_ui.urls is not included.", hint=hint, id="payments_ui.E014")]
    return []


def check_base_template(**kwargs: Any) -> list[CheckMessage]:
    """Whole pages extend a template that exists."""
    name = settings.BASE_TEMPLATE
    if not RULES["BASE_TEMPLATE"].is_valid(name):
        # Another check says so.
        return []
    try:
        get_template(str(name))
    except TemplateDoesNotExist:
        text = f"PAYMENTS_UI['BASE_TEMPLATE'] is {name!r}, and no template has this name."
        hint = "Name a template that offers the block content, or leave the setting out."
        return [Error(text, hint=hint, id="payments_ui.E015")]
    return []


def check_payer(**kwargs: Any) -> list[CheckMessage]:
    """``PAYER`` names a function."""
    path = settings.PAYER
    if not path or not RULES["PAYER"].is_valid(path):
        # Another check says so.
        return []
    try:
        if callable(import_string(path)):
            return []
    except ImportError:
        pass
    text = f"PAYMENTS_UI['PAYER'] is {path!r}, and no function has this path."
    hint = "Name a function of the request that returns a user, a Payer or None, as in shop.payer."
    return [Error(text, hint=hint, id="payments_ui.E018")]


def check_classes(**kwargs: Any) -> list[CheckMessage]:
    """``CLASSES`` names a known preset, or known slots."""
    given = settings.CLASSES
    return list(
        _unknown("slot", given, SLOTS)
        if isinstance(given, Mapping)
        else _unknown("preset", [given], PRESETS)
    )


def _unknown(what: str, names: Iterable[Any], known: Iterable[str]) -> Iterable[CheckMessage]:
    for name in names:
        if isinstance(name, str) and name not in set(known):
            text = f"PAYMENTS_UI['CLASSES'] names an unknown {what} {name!r}."
            yield Error(text, hint=nearest(name, known), id="payments_ui.E016")
