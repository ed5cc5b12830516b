"""Listed moochers of django-mooch: the middleware is installed and sees each of their views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.urls import URLResolver, get_resolver
from django.utils.module_loading import import_string
from mooch.base import BaseMoocher

from payments_ui.mooch.middleware import MoochMiddleware, method_behind
from payments_ui.mooch.moocher import MoochWrapper
from payments_ui.moochers.registry import moochers

_MIDDLEWARE = f"{MoochMiddleware.__module__}.{MoochMiddleware.__qualname__}"
_LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
# Decorators around one view.
_DEEPEST = 20


def check_django_mooch(**kwargs: Any) -> list[CheckMessage]:
    """What the views of listed moochers need."""
    try:
        wrappers = [each for each in moochers().values() if isinstance(each, MoochWrapper)]
    except Exception:  # noqa: BLE001 - the site's own module may raise anything; E020 says so
        return []
    if not wrappers:
        return []
    return [
        *_without_app(wrappers),
        *_without_middleware(wrappers),
        *_behind_login(),
        *_hidden([wrapper.inner for wrapper in wrappers]),
    ]


def _without_app(wrappers: Iterable[MoochWrapper]) -> Iterator[CheckMessage]:
    if apps.is_installed("mooch"):
        return
    for wrapper in wrappers:
        inner = type(wrapper.inner)
        # A site's own moocher may bring its own templates.
        if inner.__module__.startswith("mooch."):
            text = f"{inner.__name__} {wrapper.identifier!r} is listed, and 'mooch' is missing."
            hint = 'Add "mooch" to INSTALLED_APPS: it has the template of the form.'
            yield Error(text, hint=hint, id="payments_ui.E029")


def _without_middleware(wrappers: Iterable[MoochWrapper]) -> Iterator[CheckMessage]:
    if any(_is_ours(path) for path in django_settings.MIDDLEWARE):
        return
    for wrapper in wrappers:
        name = f"{type(wrapper.inner).__name__} {wrapper.identifier!r}"
        text = f"{name} brings views of its own, and {_MIDDLEWARE!r} is not in MIDDLEWARE."
        hint = f'Add "{_MIDDLEWARE}" behind AuthenticationMiddleware: it checks owner and amount.'
        yield Error(text, hint=hint, id="payments_ui.E022")


def _is_ours(path: str) -> bool:
    try:
        found = import_string(path)
    except ImportError:
        # Django says so itself, when it starts.
        return False
    return isinstance(found, type) and issubclass(found, MoochMiddleware)


def _behind_login() -> Iterator[CheckMessage]:
    order = list(django_settings.MIDDLEWARE)
    if _LOGIN_REQUIRED in order and any(map(_is_ours, order[order.index(_LOGIN_REQUIRED) :])):
        text = f"{_LOGIN_REQUIRED!r} is before {_MIDDLEWARE!r} in MIDDLEWARE."
        hint = "Put it behind: it sends the callbacks of PSPs to the login page."
        yield Warning(text, hint=hint, id="payments_ui.W027")


def _hidden(listed: list[BaseMoocher]) -> Iterator[CheckMessage]:
    """A decorator that tells nothing of the view inside hides it from the middleware."""

    def is_listed(view: Any) -> bool:
        return any(getattr(view, "__self__", None) is moocher for moocher in listed)

    for route, view in _views(get_resolver().url_patterns):
        if is_listed(method_behind(view)):
            continue
        found = next(filter(is_listed, _inside(view)), None)
        if found is not None:
            name = f"{type(found.__self__).__name__}.{found.__name__}"
            text = f"The middleware cannot see that the URL {route!r} leads to {name}."
            hint = "Write the decorator around it with functools.wraps, which keeps __wrapped__."
            yield Warning(text, hint=hint, id="payments_ui.W026")


def _views(patterns: Iterable[Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def _inside(view: Any, depth: int = 0) -> Iterator[Any]:
    """What a view can call: itself, what it wraps, and what its closure holds."""
    if not callable(view) or depth > _DEEPEST:
        return
    yield view
    held = [getattr(view, "__wrapped__", None), getattr(view, "func", None)]
    for cell in getattr(view, "__closure__", None) or ():
        # Empty until its name is assigned.
        with suppress(ValueError):
            held.append(cell.cell_contents)
    for each in held:
        yield from _inside(each, depth + 1)
