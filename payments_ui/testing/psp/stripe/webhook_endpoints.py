"""Webhook endpoints, and the signature that Stripe puts on what it sends there."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence

from payments_ui.testing.psp.http import loopback_url
from payments_ui.testing.psp.ledger.store import Row

from . import params as read
from .account import API_VERSION, Account
from .calls import ApiCall, Call, StripeObject, delete, get, post
from .errors import StripeError, required

SIGNATURE_HEADER = "Stripe-Signature"
CREATE = {"url", "enabled_events", "description", "metadata.*", "api_version", "expand"}
LIST = {"limit", "starting_after", "ending_before", "expand"}


class WebhookEndpoints:
    """Answers calls about webhook endpoints, and signs what is sent to them."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def calls(self) -> Sequence[ApiCall]:
        """Return where it answers."""
        endpoint = r"/v1/webhook_endpoints/(we_\w+)"
        return [
            post("save", "/v1/webhook_endpoints", self.create, CREATE),
            get("/v1/webhook_endpoints", self.list, LIST),
            get(endpoint, self.retrieve),
            delete(endpoint, self.delete),
        ]

    def create(self, call: Call) -> StripeObject:
        """Make an endpoint; only this answer shows its secret."""
        events = read.names(call.params, "enabled_events")
        if not events:
            raise required("enabled_events")
        made = self.add(read.needed(call.params, "url"), events=events)
        return made | {"secret": made["_secret"]}

    def retrieve(self, call: Call, endpoint_id: str) -> StripeObject:
        """Return an endpoint."""
        return self._account.get("webhook_endpoint", endpoint_id)

    def list(self, call: Call) -> StripeObject:
        """Return the endpoints."""
        found = self._account.find("webhook_endpoint")
        return self._account.page("/v1/webhook_endpoints", found, call.params)

    def delete(self, call: Call, endpoint_id: str) -> StripeObject:
        """Send nothing to an endpoint any more."""
        self._account.get("webhook_endpoint", endpoint_id)
        self._account.bank.ledger.documents.delete(endpoint_id)
        return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}

    def add(self, url: str, *, events: Collection[str], secret: str = "") -> StripeObject:
        """Make an endpoint on this machine, with this secret or one of its own."""
        try:
            loopback_url(url)
        except ValueError as error:
            raise StripeError(str(error), param="url") from error
        return self._account.add(
            "webhook_endpoint",
            "we",
            api_version=API_VERSION,
            application=None,
            description=None,
            enabled_events=list(events),
            metadata={},
            status="enabled",
            url=url,
            _secret=secret or f"whsec_{secrets.token_hex(16)}",
        )

    def sign(self, delivery: Row, now: int) -> dict[str, str]:
        """Return the headers of a delivery; an endpoint that is gone gets no signature."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        endpoints = self._account.find("webhook_endpoint", url=delivery["url"])
        made = [signature(one["_secret"], delivery["body"].encode(), now) for one in endpoints]
        if made:
            headers[SIGNATURE_HEADER] = f"t={now}," + ",".join(f"v1={one}" for one in made)
        return headers


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """Return the HMAC-SHA256 of time, dot and raw body."""
    message = str(timestamp).encode() + b"." + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
