"""The page's one heartbeat: asks whether anything changed, and is answered 204 if not."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import get_template
from django.utils.safestring import SafeString

from payments_ui.conf import settings as pui
from payments_ui.core import queries
from payments_ui.payer import payer_of

from .widget import PageState, Widget

#: One per page, whichever of its live widgets renders it.
ID = "pui-heartbeat"


def seen(request: HttpRequest) -> str:
    """The version of what the user owes and pays, as this answer shows it. One query for each.

    Ask before anything is read: what comes while an answer is made is then news to the next
    heartbeat, and never overlooked.
    """
    page = PageState.of(request)
    if page.seen is None:
        payer = payer_of(request)
        page.seen = queries.version(payer.user) if payer else ""
    return page.seen


def render(request: HttpRequest, widget: Widget, oob: bool = False) -> SafeString:
    """The heartbeat element, with the version of what its user sees.

    ``oob`` makes it replace the page's heartbeat from any fragment, so that a user's own
    action causes no echo.
    """
    beat = {
        "id": ID,
        "widget": widget,
        "oob": oob,
        "every": pui.LIVE_INTERVAL,
        "seen": seen(request),
    }
    return SafeString(get_template("payments_ui/components/heartbeat.html").render(beat))
