"""Views of django-mooch's moochers, as the site mounts them: the middleware has to see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Warning, register
from django.urls import URLResolver, get_resolver

from payments_ui.core.checks import TAG

_LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
_OURS = "payments_ui.mooch.middleware.PaymentsUIMiddleware"
#: Decorators around one view.
_DEEPEST = 20


@register(TAG)
def check_protected_views(**kwargs: Any) -> list[CheckMessage]:
    """No decorator hides a listed moocher's view from the middleware, and no login is before it."""
    inner = _listed() if apps.is_installed("payments_ui.core") else []
    if not inner:
        return []
    return [*_hidden(inner), *_behind_login()]


def _listed() -> list[Any]:
    from payments_ui.moochers.registry import moochers

    try:
        listed = moochers().values()
    except Exception:  # noqa: BLE001 - another check says so
        return []
    return [moocher.original for moocher in listed if moocher.original is not moocher]


def _hidden(inner: list[Any]) -> Iterable[CheckMessage]:
    from payments_ui.mooch.middleware import method_behind

    for route, view in _views(get_resolver().url_patterns):
        if _is_of(method_behind(view), inner):
            continue
        found = next((one for one in _inside(view) if _is_of(one, inner)), None)
        if found is not None:
            name = f"{type(found.__self__).__name__}.{found.__name__}"
            text = f"The middleware cannot see that the URL {route!r} leads to {name}."
            hint = "Write the decorator around it with functools.wraps, which keeps __wrapped__."
            yield Warning(text, hint=hint, id="payments_ui.W026")


def _is_of(view: Any, inner: list[Any]) -> bool:
    return any(getattr(view, "__self__", None) is one for one in inner)


def _views(patterns: Iterable[Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _views(one.url_patterns, route)
        else:
            yield route, one.callback


def _inside(view: Any, depth: int = 0) -> Iterator[Any]:
    """What a view can call: itself, what it wraps, and what its closure holds."""
    if not callable(view) or depth > _DEEPEST:
        return
    yield view
    for one in _held(view):
        yield from _inside(one, depth + 1)


def _held(view: Any) -> Iterator[Any]:
    yield getattr(view, "__wrapped__", None)
    yield getattr(view, "func", None)
    for cell in getattr(view, "__closure__", None) or ():
        # Empty until its name is assigned.
        with suppress(ValueError):
            yield cell.cell_contents


def _behind_login() -> Iterable[CheckMessage]:
    order = list(django_settings.MIDDLEWARE)
    if _LOGIN_REQUIRED in order and _OURS in order[order.index(_LOGIN_REQUIRED) :]:
        text = f"{_LOGIN_REQUIRED!r} is before {_OURS!r} in MIDDLEWARE."
        hint = "Put it behind: it sends the callbacks of PSPs to the login page."
        yield Warning(text, hint=hint, id="payments_ui.W027")
