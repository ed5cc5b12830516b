"""The kit's style sheet and script, with the page's CSP nonce."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any

import django
from django.http import HttpRequest
from django.template import Context
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.safestring import SafeString
from django_htmx.jinja import htmx_script

from payments_ui.conf import settings as pui
from payments_ui.moochers.base import Moocher
from payments_ui.moochers.registry import moochers

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
    """Tags for CSS, htmx (if asked for), the kit's scripts and those of moochers, in this order.

    A file that the static files storage does not know is logged and left out: the widgets
    work without each of them, and no page of the site fails for its sake. Where the page has
    a nonce, htmx 2 is told to write no style of its own.
    """
    nonce = _nonce(context)
    version = _htmx(options)
    tags = {
        "nonce": nonce,
        "sheet": "".join(_found(_SHEETS.get(str(pui.CSS or "")), static)),
        "scripts": [url for script in _scripts() for url in _found(script, static)],
        "psp_scripts": dict.fromkeys(url for moocher in _moochers() for url in moocher.psp_scripts),
        # The style that htmx 2 writes into a page is one that a policy with nonces refuses.
        "has_no_indicator_styles": version == 2 and nonce is not None,
        "htmx": _found(HTMX.get(version), lambda _path: htmx_script(version=version, nonce=nonce)),
    }
    return SafeString(get_template("payments_ui/components/assets.html").render(tags))


def files(*versions: int) -> list[str]:
    """Paths of the static files that the tag links, with these versions of htmx."""
    sheet = _SHEETS.get(str(pui.CSS or ""))
    return [*([sheet] if sheet else []), *(HTMX[version] for version in versions), *_scripts()]


def _scripts() -> list[str]:
    theirs = dict.fromkeys(script for moocher in _moochers() for script in moocher.scripts)
    return [*_SCRIPTS, *theirs]


def _moochers() -> Collection[Moocher]:
    try:
        return moochers().values()
    except Exception:  # the modules that MOOCHERS names raise what they like
        logger.exception("{%% payments_ui_assets %%} leaves out the scripts of MOOCHERS")
        return []


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
