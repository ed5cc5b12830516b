"""Bare host pages that are hard on the kit: a strict policy, other people's CSS and attributes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from hillshade import csp
from hillshade.demo_moochers import stripe

#: Other people's sheets, by what the tests call them.
SHEETS = {
    "plain": "",
    "bootstrap": "vendor/bootstrap/bootstrap.min.css",
    "tailwind": "vendor/tailwind/tailwind.min.css",
    "preflight": "hosts/vendor/preflight.css",
    "naive": "hosts/naive.css",
}
SCRIPTS = {"2": "vendor/htmx/htmx-2.0.10.min.js", "4": "vendor/htmx/htmx-4.0.1.min.js"}

#: What a careless host may have around our widget, as htmx 2 spells it. Each of these breaks a
#: form or a swap that takes it over.
HOSTILE = {
    "hx-target": "#elsewhere",
    "hx-swap": "innerHTML",
    "hx-select": "#nothing-has-this-id",
    "hx-select-oob": "#elsewhere",
    "hx-confirm": "Are you sure?",
    "hx-push-url": "true",
    "hx-replace-url": "true",
    "hx-include": "#elsewhere input",
    "hx-indicator": "#elsewhere",
    "hx-sync": "#elsewhere:drop",
    "hx-encoding": "multipart/form-data",
    "hx-boost": "true",
    "hx-disabled-elt": "find button",
    "hx-vals": '{"tenant": "7"}',
    "hx-headers": '{"X-Hostile": "1"}',
    "hx-ext": "json-enc",
}
#: htmx 4 inherits what asks for it by its spelling, everything, or everything by an extension.
SPELLINGS = {"2": "{}", "4": "{}:inherited", "implicit": "{}", "compat": "{}"}


@dataclass(frozen=True)
class Host:
    """One kind of host, as the query asks for it."""

    name: str
    htmx: str
    sheet: str
    ours_first: bool
    hostile: str
    boost: bool
    live: bool
    debug: bool
    stored: bool

    @classmethod
    def of(cls, request: HttpRequest, name: str) -> Host:
        """Read the query; what it leaves out is a harmless host."""
        ask = request.GET
        return cls(
            name=name,
            htmx=ask.get("htmx", "2"),
            sheet=SHEETS[ask.get("sheet", "plain")],
            ours_first="ours_first" in ask,
            hostile=ask.get("hostile", ""),
            boost="boost" in ask,
            live="live" in ask,
            debug="debug" in ask,
            stored="stored" in ask,
        )

    @property
    def script(self) -> str:
        """The path of the host's htmx, empty where django-htmx or nobody brings it."""
        return SCRIPTS.get(self.htmx, "")

    @property
    def attributes(self) -> dict[str, str]:
        """The hostile attributes, in this host's spelling."""
        if not self.hostile:
            return {}
        spelling = SPELLINGS[self.hostile]
        own = {"hx-disable": "find button"} if self.hostile != "2" else {}
        return {spelling.format(name): value for name, value in (HOSTILE | own).items()}

    @property
    def config(self) -> str:
        """The host's own settings of htmx."""
        if self.hostile == "implicit":
            return '{"includeIndicatorStyles": false, "implicitInheritance": true}'
        return '{"includeIndicatorStyles": false, "allowEval": false}'


def host(request: HttpRequest, name: str) -> HttpResponse:
    """The host page ``name``, under a policy of nonces that allows nothing else."""
    nonce = secrets.token_urlsafe(16)
    asked = Host.of(request, name)
    context = {"host": asked, "csp_nonce": nonce}
    response = render(request, f"hosts/{name}.html", context)
    policy = csp.policy(nonce=f"'nonce-{nonce}'", pay_at=(), sources=stripe.csp_sources)
    if asked.stored:
        response["Cache-Control"] = "private, max-age=60"
    # The nonce alone, and what a moocher says that it needs.
    for directive in ("script-src", "style-src"):
        policy[directive].remove("'self'")
    response["Content-Security-Policy"] = "; ".join(
        " ".join([directive, *map(str, sources)]) for directive, sources in policy.items()
    )
    return response
