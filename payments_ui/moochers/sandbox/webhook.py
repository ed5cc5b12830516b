"""The sandbox's webhooks: whether it signed them, and what they are about.

The header is ``Sandbox-Signature: t=<seconds>,v1=<hex>``: an HMAC-SHA256 of the time, a dot and
the raw body. Several ``v1`` may be given, so that a secret can be replaced without losing a
message.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from payments_ui.exceptions import WebhookSignatureError
from payments_ui.moochers.base import Notice

from .charges import CHARGE_ID

#: Seconds by which a message may be old, or ahead.
TOLERANCE = 300
_HEADER = re.compile(r"t=([0-9]{1,12})((?:,v1=[0-9a-f]{64}){1,8})", re.ASCII)
_EVENT_ID = re.compile(r"evt_[0-9a-f]{32}", re.ASCII)


def verify(secrets: Iterable[str], header: str, body: bytes, *, now: float) -> None:
    """Return if a secret signed this body about now; raises ``WebhookSignatureError``."""
    found = _HEADER.fullmatch(header)
    if found is None:
        raise WebhookSignatureError("The signature is missing or malformed")
    time, given = found[1], found[2].removeprefix(",v1=").split(",v1=")
    if abs(now - int(time)) > TOLERANCE:
        raise WebhookSignatureError("The signature is from another time")
    signed = time.encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    # All are compared, so that the time this takes does not tell which secret fits.
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in given]
    if True not in matches:
        raise WebhookSignatureError("The signature does not match")


def notice_of(body: bytes, *, account: str, live: bool) -> Notice:
    """Read a verified event.

    Raises ``WebhookSignatureError`` for an event that makes no sense, or is of another account
    or mode.
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
    event_id, subject = event["id"], event["data"]
    is_refund = subject.get("object") == "refund"
    charge_id = subject["charge"] if is_refund else subject["id"]
    if not (_EVENT_ID.fullmatch(event_id) and CHARGE_ID.fullmatch(charge_id)):
        raise ValueError
    ours = subject["metadata"].get("refund" if is_refund else "attempt")
    owner = UUID(ours) if ours else None
    if is_refund:
        return Notice(event_id=event_id, psp_reference=charge_id, refund_id=owner)
    return Notice(event_id=event_id, psp_reference=charge_id, attempt_id=owner)
