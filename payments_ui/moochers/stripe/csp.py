"""What a page's Content-Security-Policy must allow so that Stripe's fields work on it.

By https://docs.stripe.com/security/guide and https://docs.stripe.com/link/elements-link, as of
November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings

SCRIPT = "https://js.stripe.com/endive/stripe.js"
_JS = ("https://js.stripe.com", "https://*.js.stripe.com")
_LINK = ("https://link.com", "https://*.link.com")
_MAPS = ("https://maps.googleapis.com",)

Sources = Mapping[str, tuple[str, ...]]


def sources(
    *, page: str = "elements", script_url: str = SCRIPT, link: bool = True, address: bool = False
) -> Sources:
    """The sources to add, by directive; none for Stripe's own page (``page="checkout"``).

    ``link`` allows the wallet Link, ``address`` the look-up of addresses. A ``script_url``
    elsewhere than at Stripe, as of a stand-in in tests, is allowed by its origin.
    """
    if page != "elements":
        return {}
    if not script_url.startswith("https://js.stripe.com/"):
        parts = urlsplit(script_url)
        stand_in = (f"{parts.scheme}://{parts.netloc}",)
        return dict.fromkeys(("script-src", "connect-src", "frame-src"), stand_in)
    maps = _MAPS if address else ()
    wallet = _LINK if link else ()
    return {
        "script-src": (*_JS, *maps),
        "connect-src": ("https://api.stripe.com", *wallet, *maps),
        "frame-src": (*_JS, "https://hooks.stripe.com", *wallet),
    }


def missing(wanted: Sources) -> Iterator[tuple[str, list[str]]]:
    """The directives of the site's policy that lack some of these sources, and which.

    The policies of Django's own setting (from 6.0) and of django-csp are looked at; one that is
    made elsewhere, as by a proxy, is not seen.
    """
    policy = _policy()
    for directive, needed in wanted.items():
        given = _given(policy, directive)
        # With 'strict-dynamic', what a trusted script loads is trusted, and hosts count nothing.
        if given is None or given & {"*", "https:", "'strict-dynamic'"}:
            continue
        lacking = [source for source in needed if not _is_allowed(source, given)]
        if lacking:
            yield directive, lacking


def _policy() -> Mapping[str, Any]:
    csp = getattr(django_settings, "CONTENT_SECURITY_POLICY", None) or {}
    for policy in (getattr(django_settings, "SECURE_CSP", None), csp.get("DIRECTIVES")):
        if isinstance(policy, Mapping) and policy:
            return policy
    return {}


def _given(policy: Mapping[str, Any], directive: str) -> set[str] | None:
    """What a directive allows; ``None``: everything."""
    fallbacks = {"frame-src": ("frame-src", "child-src"), "script-src": ("script-src-elem",)}
    for name in (*fallbacks.get(directive, ()), directive, "default-src"):
        if name in policy:
            values = policy[name] or ()
            return set(values.split() if isinstance(values, str) else map(str, values))
    return None


def _is_allowed(source: str, given: set[str]) -> bool:
    host = source.removeprefix("https://").removeprefix("*.")
    wildcards = {f"https://*.{host.partition('.')[2]}", f"*.{host.partition('.')[2]}"}
    return bool(given & {source, source.removeprefix("https://"), *wildcards})
