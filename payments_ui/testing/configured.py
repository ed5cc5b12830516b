"""Moochers of a sandbox that a test starts, and the way its webhooks take without a server."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.test import Client

from payments_ui.core.attempts.outcomes import Outcome
from payments_ui.core.models import Attempt
from payments_ui.moochers.base import AttemptUrls
from payments_ui.moochers.sandbox import SandboxMoocher

from .psp import SandboxPSP
from .psp.http import is_loopback_host
from .psp.webhooks import Sender

API_KEY = "the-key"
WEBHOOK_SECRET = "the-secret"  # noqa: S105 (of a PSP that lives for one test)
#: Where nobody listens: the sandbox, which knows this machine only, takes it for "testserver".
NOWHERE = "127.0.0.1:9"
_numbers = count(1)


class InProcessMoocher(SandboxMoocher):
    """The sandbox's moocher on a site that Django's test client asks, in the test's process.

    A test need not wait: "never heard of it" is believed at once, and a silent PSP for two
    seconds.
    """

    settling_time = dt.timedelta(0)

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Charge as ever, with URLs that the sandbox takes."""
        here = AttemptUrls(_on_this_machine(urls.return_url), _on_this_machine(urls.webhook_url))
        return super().charge(attempt, data=data, urls=here)


def new_psp(sender: Sender | None) -> SandboxPSP:
    """Return a sandbox that is not started yet."""
    return SandboxPSP(api_key=API_KEY, webhook_secret=WEBHOOK_SECRET, sender=sender)


def moochers_of(psp: SandboxPSP) -> list[str]:
    """Return the dotted paths of two ways to pay there: with test cards, and on its page.

    Paths are new each time, since a site remembers moochers by their paths.
    """
    return [_keep(_moocher(psp, kind)) for kind in ("card", "redirect")]


def forget(paths: list[str]) -> None:
    """Take back what ``moochers_of`` made."""
    for path in paths:
        del globals()[path.rpartition(".")[2]]


def deliver(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Post a webhook to the site, in this thread and transaction; return the HTTP status."""
    parts = urlsplit(url)
    reply = Client().post(
        urlunsplit(("", "", parts.path, parts.query, "")),
        body,
        content_type=headers["Content-Type"],
        headers=headers,
        secure=parts.scheme == "https",
    )
    return reply.status_code


def _moocher(psp: SandboxPSP, kind: str) -> SandboxMoocher:
    return InProcessMoocher(
        psp_url=psp.url, api_key=API_KEY, webhook_secret=WEBHOOK_SECRET, timeout=2, kind=kind
    )


def _keep(moocher: SandboxMoocher) -> str:
    name = f"moocher_{next(_numbers)}"
    globals()[name] = moocher
    return f"{__name__}.{name}"


def _on_this_machine(url: str) -> str:
    parts = urlsplit(url)
    if is_loopback_host(parts.hostname or ""):
        return url
    return urlunsplit(parts._replace(netloc=NOWHERE))
