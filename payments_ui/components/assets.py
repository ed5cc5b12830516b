"""The kit's style sheet and script, with the page's CSP nonce."""

from __future__ import annotations

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

_SHEETS = {
    "default": "payments_ui/payments_ui.min.css",
    "layer": "payments_ui/payments_ui.layer.min.css",
}

_SCRIPTS = ("payments_ui/payments_ui.js", "payments_ui/payments_ui.elements.js")


def render(context: Context, **options: Any) -> SafeString:
    """Tags for CSS, htmx (if asked for) and the guard script, in this order."""
    nonce = _nonce(context)
    sheet = _SHEETS.get(str(pui.CSS or ""))
    version = _htmx(options)
    tags = {
        "nonce": nonce,
        "sheet": static(sheet) if sheet else "",
        "scripts": [static(script) for script in _SCRIPTS],
        "htmx": htmx_script(version=version, nonce=nonce) if version else "",
    }
    return SafeString(get_template("payments_ui/components/assets.html").render(tags))


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
    if version not in (0, 2, 4):
        complain(WidgetError(f"htmx={version!r} must be 2 or 4 (django-htmx ships these)"))
        return 0
    return int(version)
