"""HTML of the pages: files with `$names`, filled in with escaped text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

from payments_ui.testing.psp.http import Response

_FILES = Path(__file__).parent / "files"
# The pages need nothing but their stylesheet. Forms may lead back to the shop, which a browser
# counts as part of the form's action.
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def fill(name: str, /, **values: object) -> Html:
    """Return a file with its names filled in; values that are not Html are escaped."""
    safe = {key: join([value]) for key, value in values.items()}
    return Html(Template((_FILES / name).read_text("utf-8")).substitute(safe))


def tag(name: str, /, *content: object, **attributes: str) -> Html:
    """Return an element; attributes, and content that is not Html, are escaped."""
    opening = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{opening}>{join(content)}</{name}>")


def join(parts: Iterable[object]) -> Html:
    """Return the parts in a row; those that are not Html are escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(str(part)) for part in parts))


def page(
    title: str,
    content: Html,
    *,
    kind: str,
    status: int = 200,
    leads_to: str = "",
    framed_by: str = "'none'",
    script: str = "",
) -> Response:
    """Return a whole page whose forms lead to this server, or on to the origin `leads_to`.

    Pages of the origins `framed_by` may show it in a frame. `script` is a file of this server.
    """
    policy = f"{_POLICY}; frame-ancestors {framed_by}; form-action 'self' {leads_to}".rstrip()
    if script:
        policy = f"{policy}; script-src 'self'"
        content = join([content, tag("script", src=script, defer="")])
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        # Not "no-referrer": with that, a browser hides where our own forms come from.
        "Referrer-Policy": "same-origin",
    }
    body = fill("layout.html", title=title, content=content, kind=kind)
    return Response(status, body, "text/html; charset=utf-8", headers)


def error_page(status: int, text: str) -> Response:
    """Return a page that says what went wrong."""
    back = tag("p", tag("a", "To the dashboard", class_="button", href="/"))
    return page("Not possible", join([tag("h1", text), back]), kind="sheet", status=status)


def file(name: str, content_type: str) -> Response:
    """Return a file that belongs to the pages: their stylesheet or their icon."""
    text = (_FILES / name).read_text("utf-8")
    return Response(200, text, f"{content_type}; charset=utf-8")


def see_other(url: str) -> Response:
    """Return a redirect after a form."""
    return Response(303, headers={"Location": url, "Cache-Control": "no-store"})
