"""What a signed webhook of the sandbox is about."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from payments_ui.exceptions import WebhookSignatureError
from payments_ui.moochers.base import Notice

from .charges import CHARGE_ID

MAX_WEBHOOK = 256 * 1024
_EVENT_ID = re.compile(r"evt_[0-9a-f]{32}", re.ASCII)


def body_of(request: HttpRequest) -> bytes:
    """Return the body; ``WebhookSignatureError`` if it is too long or cannot be read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    try:
        body = request.body if int(length) <= MAX_WEBHOOK else None
    except (ValueError, RequestDataTooBig, UnreadablePostError):
        body = None
    if body is None or len(body) > MAX_WEBHOOK:
        raise WebhookSignatureError("The body is too long or cannot be read")
    return body


def notice_of(body: bytes, *, account: str, live: bool) -> Notice:
    """Return what an event says.

    ``WebhookSignatureError`` if it is none, or one of another account or mode.
    """
    try:
        event = json.loads(body.decode())
        is_ours = (event["account"], event["live"]) == (account, live)
        notice = _read(event)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise WebhookSignatureError("The event makes no sense") from None
    if not is_ours:
        raise WebhookSignatureError("The event is of another account or mode")
    return notice


def _read(event: Any) -> Notice:
    event_id, thing = event["id"], event["data"]
    is_refund = thing.get("object") == "refund"
    charge_id = thing["charge"] if is_refund else thing["id"]
    if not (_EVENT_ID.fullmatch(event_id) and CHARGE_ID.fullmatch(charge_id)):
        raise ValueError
    ours = thing["metadata"].get("refund" if is_refund else "attempt")
    owner = {"refund_id" if is_refund else "attempt_id": UUID(ours) if ours else None}
    return Notice(event_id=event_id, psp_reference=charge_id, **owner)
