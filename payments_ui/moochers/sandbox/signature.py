"""Whether a webhook comes from the sandbox: ``Sandbox-Signature: t=<seconds>,v1=<hex>``.

The HMAC-SHA256 covers the time, a dot and the raw body. Several ``v1`` may be given, so that
a secret can be replaced without losing a message.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from payments_ui.exceptions import WebhookSignatureError

#: Seconds that a message may be old, or ahead.
TOLERANCE = 300
_HEADER = re.compile(r"t=([0-9]{1,12})((?:,v1=[0-9a-f]{64}){1,8})", re.ASCII)


def verify(secrets: Iterable[str], header: str, body: bytes, *, now: float) -> None:
    """Return if one of the secrets signed this body about now, else ``WebhookSignatureError``."""
    found = _HEADER.fullmatch(header)
    if found is None:
        raise WebhookSignatureError("The signature is missing or malformed")
    time, given = found[1], found[2].removeprefix(",v1=").split(",v1=")
    if abs(now - int(time)) > TOLERANCE:
        raise WebhookSignatureError("The signature is from another time")
    expected = [_digest(secret, time, body) for secret in secrets]
    # All are compared, so that the time this takes does not tell which one fits.
    matches = [hmac.compare_digest(one, other) for one in expected for other in given]
    if True not in matches:
        raise WebhookSignatureError("The signature does not match")


def _digest(secret: str, time: str, body: bytes) -> str:
    return hmac.new(secret.encode(), time.encode() + b"." + body, hashlib.sha256).hexdigest()
