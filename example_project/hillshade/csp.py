"""A strict Content Security Policy, for Django's own middleware (6.0) or django-csp (5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def policy(
    *, nonce: object, pay_at: Iterable[str], sources: Mapping[str, Iterable[str]]
) -> dict[str, list[object]]:
    """Return the directives, with those ``sources`` that a PSP's script needs besides.

    Without JavaScript, forms lead to the payment pages in ``pay_at``.
    """
    directives: dict[str, list[object]] = {
        "default-src": ["'none'"],
        "script-src": ["'self'", nonce],
        "style-src": ["'self'", nonce],
        "img-src": ["'self'", "data:"],  # Bootstrap draws its arrows and ticks as data: pictures
        "connect-src": ["'self'"],
        "form-action": ["'self'", *pay_at],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
    for directive, needed in sources.items():
        directives[directive] = [*directives.get(directive, []), *needed]
    return directives
