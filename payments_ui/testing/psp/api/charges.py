"""Calls about charges. Amounts are integers in minor units."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from payments_ui.testing.psp.bank import Bank
from payments_ui.testing.psp.calls import Answer, Calls, fingerprint
from payments_ui.testing.psp.http import ApiError, Request
from payments_ui.testing.psp.ledger.charges import PAGE_SIZE, Charge, Order
from payments_ui.testing.psp.objects import charge_object
from payments_ui.testing.psp.scenarios import AS_USUAL, CARDS

from .parameters import (
    idempotency_key,
    is_amount,
    is_loopback,
    is_metadata,
    is_reference,
    is_text,
    matches,
    reference_to_close,
    refuse_invalid,
    require,
)


class ChargesApi:
    """Answers calls about charges."""

    def __init__(self, bank: Bank, calls: Calls) -> None:
        self._bank = bank
        self._charges = bank.ledger.charges
        self._calls = calls

    def create(self, request: Request) -> Answer:
        """Charge, once per `Idempotency-Key`."""
        data = request.json()
        order = _order(data)
        return self._calls.execute_once(
            "create",
            idempotency_key(request),
            fingerprint("create", data),
            lambda conduct: self._show(self._bank.charge(order, conduct), status=201),
            usual=CARDS[order.card].conduct if order.card else AS_USUAL,
        )

    def list(self, request: Request) -> Answer:
        """Return the charges under a reference, or all charges in pages.

        With `limit` or `after` (the last id of the page before) the oldest come first, and new
        charges neither hide nor repeat any; with `offset` the newest come first.
        """
        params = request.params()
        find: Callable[[], list[Charge]]
        if "reference" in params:
            find = partial(self._charges.by_reference, params["reference"])
        elif {"after", "limit"} & set(params):
            limit, after = params.get("limit", str(PAGE_SIZE)), params.get("after", "")
            if not (limit.isdecimal() and 1 <= int(limit[:9]) <= PAGE_SIZE):
                text = f"A page has 1 to {PAGE_SIZE} charges."
                raise ApiError(400, "invalid_parameter", text)
            if after and not self._charges.get(after):
                raise ApiError(400, "invalid_parameter", "Unknown charge in `after`.")
            find = partial(self._charges.page, after, int(limit))
        else:
            offset = int(params["offset"]) if params.get("offset", "").isdecimal() else 0
            find = partial(self._charges.newest, limit=PAGE_SIZE, offset=min(offset, 10**9))

        def listed() -> Answer:
            data = [charge_object(charge, self._bank.url) for charge in find()]
            return Answer(200, json.dumps({"object": "list", "data": data}))

        return self._calls.execute("fetch", listed)

    def fetch(self, request: Request, charge_id: str) -> Answer:
        """Return a charge."""
        return self._calls.execute("fetch", lambda: self._show(self._charges.get(charge_id)))

    def cancel(self, request: Request, charge_id: str) -> Answer:
        """Cancel a charge if that is still possible, and return what became of it."""
        return self._calls.execute("cancel", lambda: self._show(self._bank.cancel(charge_id)))

    def close(self, request: Request) -> Answer:
        """Refuse later charges under a reference, and return the charge under it, if any.

        A merchant that got no answer finds out for good: a charge, or null for "not charged, and
        never will be".
        """
        reference = reference_to_close(request)

        def closed() -> Answer:
            charge = self._bank.close_reference(reference)
            found = charge_object(charge, self._bank.url) if charge else None
            data = {"object": "cancellation", "reference": reference, "charge": found}
            return Answer(200, json.dumps(data))

        return self._calls.execute("cancel", closed)

    def _show(self, charge: Charge | None, *, status: int = 200) -> Answer:
        if charge is None:
            raise ApiError(404, "no_such_charge", "This charge does not exist.")
        return Answer(status, json.dumps(charge_object(charge, self._bank.url)))


def _order(data: dict[str, Any]) -> Order:
    required = {"amount", "currency", "reference", "method", "return_url"}
    require(data, required, {"card", "webhook_url", "description", "metadata"})
    order = Order(**data)
    refuse_invalid(
        {
            "amount": is_amount(order.amount),
            "currency": matches("[A-Z]{3}", order.currency),
            "reference": is_reference(order.reference),
            "method": order.method in ("card", "page"),
            "card": order.card in (list(CARDS) if order.method == "card" else [""]),
            "return_url": is_loopback(order.return_url),
            "webhook_url": order.webhook_url == "" or is_loopback(order.webhook_url),
            "description": is_text(order.description, 500),
            "metadata": is_metadata(order.metadata),
        }
    )
    return order
