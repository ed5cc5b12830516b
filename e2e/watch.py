"""What browsers complain of while a test runs: none of it is accepted by default."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

#: Tells of violations what the console leaves out.
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""


#: htmx reports as errors what hx-sync is for: the user's action calls a refresh off.
CALLED_OFF = (r"^htmx:afterRequest, ", r"^htmx:sendAbort", r"\bAbortError\b")
#: Without JavaScript a declined payment is a page with this status.
DECLINED = r"status of 402\b"


class Watch:
    """Complaints and requests of all browser contexts of one test."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._complaints: list[str] = []
        self._allowed: list[str] = [*CALLED_OFF, DECLINED]

    def over(self, context: BrowserContext) -> None:
        """Listen to a context, and have it tell of violations."""
        context.add_init_script(TELL_VIOLATIONS)
        self.listen(context)

    def listen(self, context: BrowserContext) -> None:
        """Listen to a context that tells of violations already."""
        context.on("console", self._hear)
        context.on("weberror", self._catch)
        context.on("request", self._note)

    def leave(self, context: BrowserContext) -> None:
        """Listen to it no more: somebody else will have it."""
        context.remove_listener("console", self._hear)
        context.remove_listener("weberror", self._catch)
        context.remove_listener("request", self._note)

    def allow(self, pattern: str) -> None:
        """Expect complaints that match, since the test provokes them."""
        self._allowed.append(pattern)

    def allow_status(self, *statuses: int) -> None:
        """Expect answers with these statuses, which the browser and htmx both report."""
        for status in statuses:
            self.allow(rf"status of {status}\b")
            self.allow(rf"Response Status Error Code {status}\b")

    @property
    def problems(self) -> list[str]:
        """Whatever was complained of and not expected, and requests to other machines."""
        allowed = [re.compile(pattern) for pattern in self._allowed]
        complaints = [
            one for one in self._complaints if not any(each.search(one) for each in allowed)
        ]
        return complaints + [
            f"left this machine: {request.url}"
            for request in self.requests
            if urlsplit(request.url).hostname not in ("127.0.0.1", None)
        ]

    def sent(self, method: str, path: str = "") -> list[Request]:
        """The requests of one method whose address contains ``path``."""
        return [
            request for request in self.requests if request.method == method and path in request.url
        ]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            place: Any = message.location
            self._complaints.append(f"{message.text} ({place.get('url', '')})")

    def _catch(self, error: WebError) -> None:
        self._complaints.append(f"uncaught: {error.error}")

    def _note(self, request: Request) -> None:
        self.requests.append(request)
