"""The JSON API that merchants use: charges, and calling them off."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .bank import Bank, ReferenceClosedError
from .exchange import ApiError, Request
from .faults import AS_USUAL, CARDS, Conduct
from .keys import Answer, fingerprint
from .ledger import PAGE, Charge, Order
from .orders import key_of, parse_order, parse_reference
from .wire import Wire

Charges = Callable[[], Sequence[Charge]]


class Api:
    """Answers calls about charges. Amounts are integers in minor units."""

    def __init__(self, bank: Bank, wire: Wire) -> None:
        self._bank = bank
        self._wire = wire

    def create(self, request: Request) -> Answer:
        """Charge, once per `Idempotency-Key`."""
        data = request.json()
        order = parse_order(data)
        usual = CARDS[order.card].conduct if order.card else AS_USUAL
        return self._wire.call_once(
            "create",
            key_of(request),
            fingerprint("create", data),
            lambda conduct: self._opened(order, conduct),
            usual=usual,
        )

    def list(self, request: Request) -> Answer:
        """Return what was charged under a reference, or everything in pages.

        With `limit` or `after` (the last id of the page before) the oldest come first, and no
        charge is missed or shown twice while others arrive; with `offset` the newest.
        """
        params = request.params()
        found: Charges
        if "reference" in params:
            found = partial(self._bank.ledger.by_reference, params["reference"])
        elif {"after", "limit"} & set(params):
            found = self._page(params)
        else:
            offset = int(params["offset"]) if params.get("offset", "").isdecimal() else 0
            found = partial(self._bank.ledger.charges, limit=PAGE, offset=min(offset, 10**9))
        return self._wire.call("fetch", lambda: self._listed(found()))

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
        reference = parse_reference(request)

        def closed() -> Answer:
            charge = self._bank.close(reference)
            found = self._bank.public(charge) if charge else None
            return as_json({"object": "cancellation", "reference": reference, "charge": found})

        return self._wire.call("cancel", closed)

    def _page(self, params: dict[str, str]) -> Charges:
        limit, after = params.get("limit", str(PAGE)), params.get("after", "")
        if not (limit.isdecimal() and 1 <= int(limit[:9]) <= PAGE):
            raise ApiError(400, "invalid_parameter", f"A page has 1 to {PAGE} charges.")
        if after and not self._bank.ledger.get(after):
            raise ApiError(400, "invalid_parameter", "There is no charge to go on after.")
        return partial(self._bank.ledger.page, after, int(limit))

    def _listed(self, charges: Sequence[Charge]) -> Answer:
        data = [self._bank.public(charge) for charge in charges]
        return as_json({"object": "list", "data": data})

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
