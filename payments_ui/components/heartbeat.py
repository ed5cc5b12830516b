"""The page's one heartbeat: asks whether anything changed, and is answered 204 if not."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.template.loader import get_template
from django.utils.safestring import SafeString

from payments_ui.conf import settings as pui
from payments_ui.core import queries
from payments_ui.payer import payer_of

from . import heartbeat_token
from .widget import PageState, Widget

#: One per page, whichever of its live widgets renders it.
ID = "pui-heartbeat"


def seen(request: HttpRequest) -> str:
    """The version of what the user owes and pays, as this answer shows it. One query, or none.

    The oldest that any of its widgets shows: what came while the answer was made is news to the
    next heartbeat, and never overlooked.
    """
    page = PageState.of(request)
    if page.seen is None:
        payer = payer_of(request)
        page.seen = queries.version(payer.user) if payer else ""
    return page.seen


def show(request: HttpRequest, version: str) -> None:
    """Remember that a widget of the page shows the books at this version."""
    page = PageState.of(request)
    if page.seen is None:
        page.seen = version


def render(request: HttpRequest, widget: Widget, oob: bool = False) -> SafeString:
    """The heartbeat element, with the version of what its user sees.

    And with a token, where one can hold. ``oob`` makes it replace the page's heartbeat from any
    fragment, so that a user's own action causes no echo.
    """
    asked = {"v": seen(request)}
    if token := heartbeat_token.issue(request, asked["v"]):
        asked[heartbeat_token.NAME] = token
    beat = {
        "id": ID,
        "oob": oob,
        # A text: a site may group the digits of numbers.
        "every": str(pui.LIVE_INTERVAL),
        "query": urlencode({**asked, **widget.data}),
    }
    return SafeString(get_template("payments_ui/components/heartbeat.html").render(beat))
