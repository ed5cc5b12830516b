"""Stripe's webhooks: whether it signed them.

The header is ``Stripe-Signature: t=<seconds>,v1=<hex>``; Stripe's library checks it. Events of
the future are accepted, as by the library: each is handled once, by its id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import stripe

from payments_ui.exceptions import WebhookSignatureError

#: Seconds by which a message may be old.
TOLERANCE = 300
#: Bytes of a header. Two secrets sign in less than three hundred.
MAX_HEADER = 2000


def verified(secrets: Iterable[str], header: str, body: bytes) -> object:
    """The event in a body that one of the secrets signed; raises ``WebhookSignatureError``."""
    # All are tried, so that the time this takes does not tell which secret fits.
    results = [_is_signed(secret, header, body) for secret in secrets]
    if True not in results:
        raise WebhookSignatureError("The signature is missing, malformed, too old or not Stripe's")
    try:
        event: object = json.loads(body)
    except (ValueError, RecursionError):
        raise WebhookSignatureError("The event makes no sense") from None
    return event


def _is_signed(secret: str, header: str, body: bytes) -> bool:
    if len(header) > MAX_HEADER:
        return False
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE)
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        # The body is no UTF-8, the header no ASCII.
        return False
    return True
