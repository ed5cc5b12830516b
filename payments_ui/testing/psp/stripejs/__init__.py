"""A stand-in for Stripe.js, and what its frames show: cards are typed there, not at the shop."""

from __future__ import annotations

from pathlib import Path

from payments_ui.testing.psp.http import ApiError, Request, Response

#: Where they are, as Stripe.js of the same release is at js.stripe.com.
PATH = r"/stripe/endive/([a-z]+\.(?:css|html|js))"

_FILES = Path(__file__).parent / "files"
_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}
_HEADERS = {
    # The frames ask this server only. Any page on this machine may show them.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-cache",
}


def file(_request: Request, name: str) -> Response:
    """Return the stand-in, or a part of it. Raises ``ApiError`` where there is none."""
    path = _FILES / name
    if not path.is_file():
        raise ApiError(404, "not_found", "Nothing has this address.")
    content_type = f"{_TYPES[path.suffix]}; charset=utf-8"
    return Response(200, path.read_text("utf-8"), content_type, _HEADERS)
