"""HTML of the sandbox's pages: files with `$names`, filled in with escaped text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

from .exchange import Response

FILES = Path(__file__).parent / "files"
# The pages need nothing but their stylesheet. Forms may lead back to the shop, which a browser
# counts as part of the form's action.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def fill(name: str, **values: object) -> Html:
    """Return a file with its names filled in; whatever is not Html is escaped."""
    safe = {key: _safe(value) for key, value in values.items()}
    return Html(Template((FILES / name).read_text("utf-8")).substitute(safe))


def tag(name: str, *content: object, **attributes: str) -> Html:
    """Return an element; content and attributes are escaped, content only if it is not Html."""
    opening = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{opening}>{joined(content)}</{name}>")


def joined(parts: Iterable[object]) -> Html:
    """Return pieces as one; what is not Html is escaped."""
    return Html("".join(_safe(part) for part in parts))


def page(
    title: str, content: Html, *, kind: str, status: int = 200, leads_to: str = ""
) -> Response:
    """Return a whole page whose forms lead to this server, or on to the origin `leads_to`."""
    headers = {
        "Content-Security-Policy": f"{POLICY}; form-action 'self' {leads_to}".rstrip(),
        "Cache-Control": "no-store",
        # Not "no-referrer": with that, a browser hides where our own forms come from.
        "Referrer-Policy": "same-origin",
    }
    body = fill("layout.html", title=title, content=content, kind=kind)
    return Response(status, body, "text/html; charset=utf-8", headers)


def message(status: int, text: str) -> Response:
    """Return a page that says what went wrong."""
    back = tag("p", tag("a", "To the control panel", class_="button", href="/"))
    return page("Not possible", joined([tag("h1", text), back]), kind="sheet", status=status)


def stylesheet() -> Response:
    """Return the stylesheet of all pages."""
    return _file("sandbox.css", "text/css")


def icon() -> Response:
    """Return the icon that browsers show beside the title."""
    return _file("sandbox.svg", "image/svg+xml")


def see_other(url: str) -> Response:
    """Return a redirect after a form."""
    return Response(303, headers={"Location": url, "Cache-Control": "no-store"})


def _file(name: str, content_type: str) -> Response:
    return Response(200, (FILES / name).read_text("utf-8"), f"{content_type}; charset=utf-8")


def _safe(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))
