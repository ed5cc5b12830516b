"""A strict Content Security Policy, for Django's own middleware (6.0) or django-csp (5.2)."""

from __future__ import annotations

from collections.abc import Iterable


def policy(*, nonce: object, pay_at: Iterable[str]) -> dict[str, list[object]]:
    """Return the directives. Without JavaScript, forms lead to the payment pages in ``pay_at``."""
    return {
        "default-src": ["'none'"],
        "script-src": ["'self'", nonce],
        "style-src": ["'self'", nonce],
        "img-src": ["'self'", "data:"],  # Bootstrap draws its arrows and ticks as data: pictures
        "connect-src": ["'self'"],
        "form-action": ["'self'", *pay_at],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
