"""A moocher for Cashbox, a payment service that does not exist, in sixty lines."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from payments_ui import money
from payments_ui.core.attempts.outcomes import (
    Cancelled,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Succeeded,
)
from payments_ui.exceptions import WebhookSignatureError
from payments_ui.moochers.base import Moocher, Notice


class CashboxMoocher(Moocher):
    identifier = "cashbox"
    title = "Cashbox"
    currencies = frozenset({"CHF", "EUR"})

    def __init__(self, *, url: str, key: str, secret: str, **options: Any) -> None:
        super().__init__(**options)
        if not secret:
            raise ValueError("Without a secret anybody could report payments")
        self.url, self.key, self.secret = url, key, secret

    def charge(self, attempt: Any, *, data: Any, urls: Any) -> Outcome:
        return self._call(
            "PUT",
            attempt,
            amount=money.to_minor_units(attempt.amount, attempt.currency),
            currency=attempt.currency,
            notify=urls.webhook_url,
        )

    def ask(self, attempt: Any) -> Outcome:
        return self._call("GET", attempt)

    def cancel(self, attempt: Any) -> Outcome:
        return self._call("DELETE", attempt)

    def webhook(self, request: Any) -> Notice:
        signature = hmac.new(self.secret.encode(), request.body, hashlib.sha256).hexdigest()
        given = request.headers.get("Cashbox-Signature", "")
        if not hmac.compare_digest(signature.encode(), given.encode()):
            raise WebhookSignatureError("Cashbox")
        event = json.loads(request.body)
        return Notice(event_id=event["id"], psp_reference=event["payment"])

    def _call(self, method: str, attempt: Any, **body: object) -> Outcome:
        # The key is the payment's name at Cashbox: putting it twice is charging it once.
        url = f"{self.url}/payments/{attempt.idempotency_key}"
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = Request(url, json.dumps(body).encode() or None, headers, method=method)
        try:
            with urlopen(request, timeout=10) as response:
                found = json.load(response)
        except HTTPError as error:
            if error.code != 404:
                raise  # nobody knows what happened: the attempt becomes "unknown"
            return Declined(code=DeclineCode.NEVER_HAPPENED)
        return self._outcome(found)

    def _outcome(self, found: dict[str, Any]) -> Outcome:
        reference = found["id"]
        match found["status"]:
            case "paid":
                amount = money.from_minor_units(found["amount"], found["currency"])
                return Succeeded(psp_reference=reference, amount=amount, currency=found["currency"])
            case "refused":
                return Declined(code=DeclineCode.GENERIC, psp_reference=reference)
            case "cancelled":
                return Cancelled(psp_reference=reference)
        return Pending(psp_reference=reference)
