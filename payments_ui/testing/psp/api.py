"""The JSON API that merchants use: charges, and calling them off."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .bank import Bank, ReferenceClosedError
from .exchange import ApiError, Request
from .faults import AS_USUAL, CARDS, Conduct
from .keys import Answer
from .ledger import Charge, Order
from .orders import REFERENCE, parse_order
from .wire import Wire

PAGE = 100


class Api:
    """Answers calls about charges. Amounts are integers in minor units."""

    def __init__(self, bank: Bank, wire: Wire) -> None:
        self._bank = bank
        self._wire = wire

    def create(self, request: Request) -> Answer:
        """Charge, once per `Idempotency-Key`."""
        data = request.json()
        order = parse_order(data)
        key = request.headers.get("idempotency-key", "")
        if not REFERENCE.fullmatch(key):
            raise ApiError(400, "invalid_key", "The header Idempotency-Key is missing or wrong.")
        fingerprint = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
        usual = CARDS[order.card].conduct if order.card else AS_USUAL
        return self._wire.call_once(
            key, fingerprint, usual, lambda conduct: self._opened(order, conduct)
        )

    def list(self, request: Request) -> Answer:
        """Return what was charged under a reference, or everything, newest first, in pages."""
        params = request.params()
        offset = int(params["offset"]) if params.get("offset", "").isdecimal() else 0

        def found() -> Answer:
            if "reference" in params:
                charges = self._bank.ledger.by_reference(params["reference"])
            else:
                charges = self._bank.ledger.charges(limit=PAGE, offset=min(offset, 10**9))
            data = [self._bank.public(charge) for charge in charges]
            return as_json({"object": "list", "data": data})

        return self._wire.call("fetch", found)

    def fetch(self, request: Request, charge_id: str) -> Answer:
        """Return a charge."""
        return self._wire.call("fetch", lambda: self._shown(self._bank.ledger.get(charge_id)))

    def cancel(self, request: Request, charge_id: str) -> Answer:
        """Cancel a charge if that is still possible, and return what became of it."""
        return self._wire.call("cancel", lambda: self._shown(self._bank.cancel(charge_id)))

    def close(self, request: Request) -> Answer:
        """Make sure that nothing will be charged under a reference; return what was, if anything.

        This is how a merchant who got no answer finds out for good: a charge, or null for
        "never happened, and never will".
        """
        reference = request.json().get("reference")
        if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
            raise ApiError(400, "invalid_parameter", "This is no valid reference.")

        def closed() -> Answer:
            charge = self._bank.close(reference)
            found = self._bank.public(charge) if charge else None
            return as_json({"object": "cancellation", "reference": reference, "charge": found})

        return self._wire.call("cancel", closed)

    def _opened(self, order: Order, conduct: Conduct) -> Answer:
        try:
            return self._shown(self._bank.create(order, conduct), status=201)
        except ReferenceClosedError:
            raise ApiError(409, "reference_closed", "This reference was closed.") from None

    def _shown(self, charge: Charge | None, *, status: int = 200) -> Answer:
        if charge is None:
            raise ApiError(404, "no_such_charge", "There is no such charge.")
        return as_json(self._bank.public(charge), status)


def as_json(data: dict[str, Any], status: int = 200) -> Answer:
    """Return an answer with this JSON object."""
    return Answer(status, json.dumps(data))
