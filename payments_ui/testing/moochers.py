"""Moochers of tests: listed wherever they were made, and paying at a fake PSP without a server.

psp = new_psp(sender=deliver)
card = InProcessMoocher(psp_url=psp.url)
settings.PAYMENTS_UI = {"MOOCHERS": listed(card)}
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.test import Client
from mooch.base import BaseMoocher

from payments_ui.core.attempts.outcomes import Outcome
from payments_ui.core.models import Attempt
from payments_ui.moochers.base import AttemptUrls
from payments_ui.moochers.sandbox import SandboxMoocher

from .psp import SandboxPSP
from .psp.http import is_loopback_host
from .psp.webhooks import Sender

API_KEY = "the-key"
WEBHOOK_SECRET = "the-secret"  # noqa: S105 (of a PSP that lives for a test)
# Where no server listens. It stands for "testserver", since the fake PSP calls this machine only.
_UNUSED = "127.0.0.1:9"

_listed: dict[str, BaseMoocher] = {}


def listed(*moochers: BaseMoocher) -> list[str]:
    """Return the dotted paths of these moochers, for the setting `MOOCHERS`.

    A site lists moochers by their paths; this way a moocher that a test made has a path, too.
    """
    names = [f"moocher_{id(moocher)}" for moocher in moochers]
    _listed.update(zip(names, moochers, strict=True))
    return [f"{__name__}.{name}" for name in names]


def forget(paths: list[str]) -> None:
    """Let go of moochers that `listed` returned the paths of."""
    for path in paths:
        del _listed[path.rpartition(".")[2]]


def __getattr__(name: str) -> BaseMoocher:
    try:
        return _listed[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


class InProcessMoocher(SandboxMoocher):
    """The sandbox's moocher on a site that Django's test client asks, in the test's process.

    Takes what `SandboxMoocher` takes; API key and webhook secret are those of `new_psp`. A test
    does not wait: the moocher believes at once that a request never arrived, and takes a silent
    PSP for an outage after two seconds.
    """

    settling_time = dt.timedelta(0)

    def __init__(self, **options: Any) -> None:
        self._options = {
            "psp_url": f"http://{_UNUSED}",
            "api_key": API_KEY,
            "webhook_secret": WEBHOOK_SECRET,
            "timeout": 2,
            **options,
        }
        super().__init__(**self._options)

    @property
    def is_allowed(self) -> bool:
        """True: a test needs no setting to allow it."""
        return True

    def pay_at(self, psp_url: str, **options: Any) -> None:
        """Pay at the PSP that listens there from now on, with these options changed."""
        super().__init__(**self._options | {"psp_url": psp_url, **options})

    def charge(self, attempt: Attempt, *, data: Mapping[str, Any], urls: AttemptUrls) -> Outcome:
        """Charge as `SandboxMoocher` does, with URLs that the fake PSP accepts."""
        local = AttemptUrls(_on_this_machine(urls.return_url), _on_this_machine(urls.webhook_url))
        return super().charge(attempt, data=data, urls=local)


def new_psp(sender: Sender | None = None) -> SandboxPSP:
    """Return a fake PSP for `InProcessMoocher`, not started yet."""
    return SandboxPSP(api_key=API_KEY, webhook_secret=WEBHOOK_SECRET, sender=sender)


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


def _on_this_machine(url: str) -> str:
    parts = urlsplit(url)
    if is_loopback_host(parts.hostname or ""):
        return url
    return urlunsplit(parts._replace(netloc=_UNUSED))
