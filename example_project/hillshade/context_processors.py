"""What every template may use."""

from __future__ import annotations

from django.http import HttpRequest


def csp_nonce(request: HttpRequest) -> dict[str, object]:
    """Offer django-csp's nonce under the name that Django 6 gives to its own."""
    return {"csp_nonce": getattr(request, "csp_nonce", "")}
