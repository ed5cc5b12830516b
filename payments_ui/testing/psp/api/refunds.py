"""Calls about refunds. Amounts are integers in minor units."""

from __future__ import annotations

import json
from typing import Any

from payments_ui.testing.psp.bank import Bank
from payments_ui.testing.psp.calls import Answer, Calls, fingerprint
from payments_ui.testing.psp.http import ApiError, Request
from payments_ui.testing.psp.ledger.charges import PAGE_SIZE
from payments_ui.testing.psp.ledger.refunds import Refund, RefundOrder
from payments_ui.testing.psp.objects import refund_object

from .parameters import (
    idempotency_key,
    is_amount,
    is_loopback,
    is_metadata,
    is_reference,
    matches,
    reference_to_close,
    refuse_invalid,
    require,
)


class RefundsApi:
    """Answers calls about refunds."""

    def __init__(self, bank: Bank, calls: Calls) -> None:
        self._bank = bank
        self._refunds = bank.ledger.refunds
        self._calls = calls

    def create(self, request: Request) -> Answer:
        """Refund, once per `Idempotency-Key`."""
        data = request.json()
        order = _order(data)
        return self._calls.execute_once(
            "refund",
            idempotency_key(request),
            fingerprint("refund", data),
            lambda conduct: _show(self._bank.refund(order, conduct), status=201),
        )

    def list(self, request: Request) -> Answer:
        """Return the refunds under a `reference`, or those of a `charge`, oldest first."""
        params = request.params()
        if "reference" not in params and "charge" not in params:
            raise ApiError(400, "invalid_parameter", "Ask for a reference or a charge.")

        def listed() -> Answer:
            if "reference" in params:
                refunds = self._refunds.by_reference(params["reference"])
            else:
                refunds = self._refunds.of(params["charge"])
            data = [refund_object(refund) for refund in refunds[:PAGE_SIZE]]
            return Answer(200, json.dumps({"object": "list", "data": data}))

        return self._calls.execute("fetch", listed)

    def fetch(self, request: Request, refund_id: str) -> Answer:
        """Return a refund."""
        return self._calls.execute("fetch", lambda: _show(self._refunds.get(refund_id)))

    def close(self, request: Request) -> Answer:
        """Refuse later refunds under a reference, and return the refund under it, if any.

        Null means "not refunded, and never will be".
        """
        reference = reference_to_close(request)

        def closed() -> Answer:
            refund = self._bank.close_refund_reference(reference)
            found = refund_object(refund) if refund else None
            data = {"object": "closure", "reference": reference, "refund": found}
            return Answer(200, json.dumps(data))

        return self._calls.execute("cancel", closed)


def _show(refund: Refund | None, *, status: int = 200) -> Answer:
    if refund is None:
        raise ApiError(404, "no_such_refund", "This refund does not exist.")
    return Answer(status, json.dumps(refund_object(refund)))


def _order(data: dict[str, Any]) -> RefundOrder:
    require(data, {"charge", "amount", "reference"}, {"webhook_url", "metadata"})
    order = RefundOrder(**data)
    refuse_invalid(
        {
            "charge": matches("ch_[0-9a-f]{32}", order.charge),
            "amount": is_amount(order.amount),
            "reference": is_reference(order.reference),
            "webhook_url": not order.webhook_url or is_loopback(order.webhook_url),
            "metadata": is_metadata(order.metadata),
        }
    )
    return order
