"""The htmx attributes of the kit, each written once: what works in htmx 2, 4 and without.

Only these attributes are allowed in the kit's templates. A form keeps its plain ``action``
and ``method``, a link its ``href``.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from payments_ui.moochers.form_adoption import IN_PLACE

from .widget import Widget

_BODY = "closest [data-pui-body]"


def post_attributes(url: str) -> SafeString:
    """Attributes of a form that posts to ``url`` and swaps the body."""
    in_place = format_html(IN_PLACE, url)
    return format_html('{} action="{}" method="post"', in_place, url)


def get_attributes(url: str, widget: Widget, **query: object) -> SafeString:
    """Attributes of a link to ``url`` that swaps the body."""
    return format_html(
        'hx-get="{}" hx-target="{}" hx-swap="outerHTML" hx-sync="closest [data-pui]:drop" '
        'href="{}"',
        with_query(url, **query, **widget.data),
        _BODY,
        with_query(url, **query),
    )


def chooser_attributes(url: str) -> SafeString:
    """Attributes of the form that swaps the panel below it when a radio is picked.

    It has a queue of its own, in which the last choice wins: arrow keys are fast.
    """
    return format_html(
        'hx-get="{0}" hx-trigger="change, submit" hx-target="next [data-pui-panel]" '
        'hx-swap="outerHTML" hx-sync="this:replace" action="{0}" method="get"',
        url,
    )


def refresher_attributes(
    url: str, widget: Widget, *, target: str = _BODY, every: int = 0, **query: object
) -> SafeString:
    """Attributes of the empty element that asks for news; actions of the user come first."""
    return format_html(
        'data-pui-bg hx-get="{}" hx-trigger="{}payments:changed from:document" '
        'hx-target="{}" hx-swap="outerHTML" hx-sync="closest [data-pui]:abort"',
        # By "news" the views know that nobody asked: the focus stays where it is.
        with_query(url, news=1, **query, **widget.data),
        f"every {every}s, " if every else "",
        target,
    )


def hidden_fields(request: HttpRequest, widget: Widget, **fields: object) -> SafeString:
    """Hidden fields of a posting form: CSRF token, the widget, and what else is given."""
    named = {"csrfmiddlewaretoken": get_token(request), **widget.data, **fields}
    return _hidden(named)


def widget_fields(widget: Widget) -> SafeString:
    """Hidden fields of a form that gets."""
    return _hidden(widget.data)


def _hidden(fields: dict[str, object] | dict[str, str]) -> SafeString:
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', fields.items())


def with_query(url: str, **query: object) -> str:
    """``url`` with these parameters; empty ones are left out."""
    encoded = urlencode({name: value for name, value in query.items() if value not in ("", None)})
    return f"{url}?{encoded}" if encoded else url
