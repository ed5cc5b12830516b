"""The kit's style sheet and script, with the page's CSP nonce."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import django
from django.http import HttpRequest
from django.template import Context
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.safestring import SafeString
from django_htmx.jinja import htmx_script

from payments_ui.conf import settings as pui

from .widget import WidgetError, complain

logger = logging.getLogger("payments_ui")

_SHEETS = {
    "default": "payments_ui/payments_ui.min.css",
    "layer": "payments_ui/payments_ui.layer.min.css",
}

#: htmx as django-htmx ships it, which has to be an installed app for that.
HTMX = {2: "django_htmx/htmx-2.min.js", 4: "django_htmx/htmx-4.min.js"}
_SCRIPTS = ("payments_ui/payments_ui.js", "payments_ui/payments_ui.elements.js")


def render(context: Context, **options: Any) -> SafeString:
    """Tags for CSS, htmx (if asked for) and the guard script, in this order.

    A file that the static files storage does not know is logged and left out: the widgets
    work without each of them, and no page of the site fails for its sake.
    """
    nonce = _nonce(context)
    version = _htmx(options)
    tags = {
        "nonce": nonce,
        "sheet": "".join(_found(_SHEETS.get(str(pui.CSS or "")), static)),
        "scripts": [url for script in _SCRIPTS for url in _found(script, static)],
        "htmx": _found(HTMX.get(version), lambda _path: htmx_script(version=version, nonce=nonce)),
    }
    return SafeString(get_template("payments_ui/components/assets.html").render(tags))


def files(*versions: int) -> list[str]:
    """Paths of the static files that the tag links, with these versions of htmx."""
    sheet = _SHEETS.get(str(pui.CSS or ""))
    return [*([sheet] if sheet else []), *(HTMX[version] for version in versions), *_SCRIPTS]


def _found(path: str | None, link: Callable[[str], str]) -> list[str]:
    try:
        return [link(path)] if path else []
    except Exception:  # storages raise what they like; manifest storage a ValueError
        logger.exception(
            "{%% payments_ui_assets %%} leaves out %s, which the static files storage does not "
            "know: see `manage.py check`, then run collectstatic.",
            path,
        )
        return []


def nonce_of(request: HttpRequest) -> str | None:
    """The page's CSP nonce: django-csp's, or Django's own; ``None`` where there is none."""
    nonce: object = getattr(request, "csp_nonce", None)
    if nonce is None and django.VERSION >= (6, 0):
        from django.middleware.csp import get_nonce

        nonce = get_nonce(request)
    # Lazy nonces are false until they are used: using one is what puts it in the header.
    return None if nonce is None else str(nonce)


def _nonce(context: Context) -> str | None:
    if (nonce := context.get("csp_nonce")) is not None:
        return str(nonce)
    request = context.get("request") or getattr(context, "request", None)
    return nonce_of(request) if isinstance(request, HttpRequest) else None


def _htmx(options: dict[str, Any]) -> int:
    version = options.pop("htmx", None) or 0
    version = 2 if version is True else version
    if options:
        complain(WidgetError(f"payments_ui_assets takes htmx only, not {', '.join(options)}"))
    if version not in (0, *HTMX):
        complain(WidgetError(f"htmx={version!r} must be 2 or 4 (django-htmx ships these)"))
        return 0
    return int(version)
