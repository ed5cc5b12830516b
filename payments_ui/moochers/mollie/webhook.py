"""Mollie's webhooks: a form with an id, unsigned, since it says nothing else.

Whose news it is stands in the URL, which Mollie was given with the payment: so a made-up id has
Mollie asked nothing, and what is said is fetched before anything is stored.
https://docs.mollie.com/reference/webhooks
"""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict

from payments_ui.exceptions import WebhookSignatureError
from payments_ui.moochers.base import Notice

from .client import PAYMENT_ID


def url(base: str, **owner: str) -> str:
    """Return the URL where Mollie reports about a payment for this attempt or set-up."""
    query = QueryDict(mutable=True)
    query.update(owner)
    return f"{base}?{query.urlencode()}"


def notice_of(body: bytes, query: QueryDict) -> Notice:
    """Return what a webhook is about; raises ``WebhookSignatureError`` where it is none."""
    try:
        payment_id = QueryDict(body, encoding="utf-8").get("id") or ""
        attempt, setup = (
            UUID(str(query[name])) if name in query else None for name in ("attempt", "setup")
        )
    except (ValueError, SuspiciousOperation):
        raise WebhookSignatureError("This is no webhook of Mollie's") from None
    if not PAYMENT_ID.fullmatch(payment_id) or (attempt is None) == (setup is None):
        raise WebhookSignatureError("This is no webhook of Mollie's")
    if attempt is not None:
        return Notice(event_id="", attempt_id=attempt, psp_reference=payment_id)
    return Notice(event_id="", setup_id=setup, setup_reference=payment_id)
