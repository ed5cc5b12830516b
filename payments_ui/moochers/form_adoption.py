"""Adopting a moocher's forms, so that any moocher's HTML posts in place, protected, and once.

A moocher renders plain forms and knows no widgets. A form that posts to this site gets hidden
fields and the few htmx attributes that every version of htmx understands. A form that posts to
the PSP gets none of them, least of all the CSRF token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from payments_ui import http

#: Attributes by which a form posts to a URL and swaps the body. Actions and refreshers share
#: the root's queue; otherwise a refresh that is answered during a payment would replace its result.
IN_PLACE = (
    ' hx-post="{}" hx-target="closest [data-pui-body]" hx-swap="outerHTML" '
    'hx-sync="closest [data-pui]:drop"'
)
# A boosted form to another origin is blocked by htmx 2.
_LEAVES = SafeString(' hx-boost="false"')


def adopt(html: str, request: HttpRequest, hidden: Mapping[str, str]) -> SafeString:
    """``html``, in which each form that posts to this site carries ``hidden`` and htmx.

    ``html`` is trusted as the moocher's templates are. What it shows stays as it is.
    """
    finder = _FormFinder(html, request)
    finder.feed(html)
    finder.close()
    fields = {"csrfmiddlewaretoken": get_token(request), **hidden}
    inputs = format_html_join("", '<input type="hidden" name="{}" value="{}">', fields.items())
    pieces, done = [], 0
    for form in finder.forms:
        # First in the tag: where an attribute is given twice, browsers take the first.
        after_name = form.start + len("<form")
        pieces += [html[done:after_name], form.attributes, html[after_name : form.end]]
        pieces.append(inputs if form.is_ours else "")
        done = form.end
    return SafeString("".join([*pieces, html[done:]]))


def posts_in_place(html: str) -> bool:
    """Whether the markup works when it is swapped in: it has no scripts of its own."""
    return "<script" not in html.lower()


@dataclass
class _Form:
    start: int
    end: int
    action: str
    posts: bool
    leaves: bool

    @property
    def is_ours(self) -> bool:
        return self.posts and not self.leaves

    @property
    def attributes(self) -> SafeString:
        if self.leaves:
            return _LEAVES
        return format_html(IN_PLACE, self.action) if self.posts else SafeString("")


class _FormFinder(HTMLParser):
    """Finds the forms by their positions; everything else stays as it was written."""

    def __init__(self, html: str, request: HttpRequest) -> None:
        super().__init__(convert_charrefs=False)
        self.request = request
        self.forms: list[_Form] = []
        self._lines = [0]
        # HTMLParser counts lines by \n alone.
        for line in html.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Where an attribute is given twice, browsers take the first.
        attributes = {name: value or "" for name, value in reversed(attrs)}
        if tag == "form":
            line, column = self.getpos()
            start = self._lines[line - 1] + column
            action = attributes.get("action", "")
            form = _Form(
                start=start,
                end=start + len(self.get_starttag_text() or ""),
                action=action,
                posts=attributes.get("method", "").lower() == "post",
                leaves=self._leaves(action),
            )
            self.forms.append(form)
        elif self.forms and self._leaves(attributes.get("formaction", "")):
            # A button may send the whole form elsewhere.
            self.forms[-1].leaves = True

    def _leaves(self, url: str) -> bool:
        return bool(url.strip()) and not http.is_of_site(self.request, url)
