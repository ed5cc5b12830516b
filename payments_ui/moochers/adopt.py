"""Adopting a moocher's forms: any moocher's HTML is posted in place, protected and once.

A moocher renders plain forms and knows nothing of widgets. A form that posts to this
site gets hidden fields and the few htmx attributes every version of htmx understands. A
form that posts to the PSP gets none of them, least of all the CSRF token.
"""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_IN_PLACE = (
    'hx-post="{}" hx-target="closest [data-pui-body]" hx-swap="outerHTML" '
    'hx-sync="closest [data-pui]:drop"'
)


def adopt(html: str, request: HttpRequest, hidden: Mapping[str, str]) -> SafeString:
    """``html``, in which each form that posts to this site carries ``hidden`` and htmx."""
    fields = {"csrfmiddlewaretoken": get_token(request), **hidden}
    inputs = format_html_join("", '<input type="hidden" name="{}" value="{}">', fields.items())
    adopter = _Adopter(html, request.get_host(), inputs)
    adopter.feed(html)
    adopter.close()
    return SafeString(adopter.result())


def posts_in_place(html: str) -> bool:
    """Whether the markup works when it is swapped in: it has no scripts of its own."""
    return "<script" not in html.lower()


class _Adopter(HTMLParser):
    """Finds the forms by their positions; everything else stays as it was written."""

    def __init__(self, html: str, host: str, inputs: SafeString) -> None:
        super().__init__(convert_charrefs=False)
        self.html = html
        self.host = host
        self.inputs = inputs
        self.starts = [0]
        # HTMLParser counts lines by \n alone.
        for line in html.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.pieces: list[str] = []
        self.done = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self._form(dict(attrs))

    def result(self) -> str:
        return "".join([*self.pieces, self.html[self.done :]])

    def _form(self, attributes: dict[str, str | None]) -> None:
        source = self.get_starttag_text() or ""
        line, column = self.getpos()
        start = self.starts[line - 1] + column
        end = start + len(source)
        closing = "/>" if source.endswith("/>") else ">"
        extra, inputs = self._extra(attributes)
        opened = f"{source.removesuffix(closing)} {extra}>{inputs}"
        self.pieces += [self.html[self.done : start], opened]
        self.done = end

    def _extra(self, attributes: dict[str, str | None]) -> tuple[str, str]:
        action = attributes.get("action") or ""
        posts = (attributes.get("method") or "get").lower() == "post"
        if urlsplit(action).netloc not in ("", self.host):
            # A boosted form to another origin is blocked by htmx 2.
            return 'hx-boost="false"', ""
        return (format_html(_IN_PLACE, action), self.inputs) if posts else ("", "")
