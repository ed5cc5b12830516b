"""The JSON API that merchants use to give money back."""

from __future__ import annotations

from .api import as_json
from .bank import Bank
from .desk import RefundRefusedError
from .exchange import ApiError, Request
from .faults import Conduct
from .keys import Answer, fingerprint
from .ledger import PAGE
from .orders import key_of, parse_reference, parse_refund
from .refunds import Refund, RefundOrder
from .wire import Wire


class RefundApi:
    """Answers calls about refunds. Amounts are integers in minor units."""

    def __init__(self, bank: Bank, wire: Wire) -> None:
        self._desk = bank.desk
        self._book = bank.ledger.refunds
        self._wire = wire

    def create(self, request: Request) -> Answer:
        """Give money back, once per `Idempotency-Key`."""
        data = request.json()
        order = parse_refund(data)
        return self._wire.call_once(
            "refund",
            key_of(request),
            fingerprint("refund", data),
            lambda conduct: self._opened(order, conduct),
        )

    def list(self, request: Request) -> Answer:
        """Return the refunds under a reference, or of a `charge`, oldest first."""
        params = request.params()
        if "reference" not in params and "charge" not in params:
            raise ApiError(400, "invalid_parameter", "Ask for a reference or a charge.")

        def found() -> Answer:
            if "reference" in params:
                refunds = self._book.by_reference(params["reference"])
            else:
                refunds = self._book.of(params["charge"])
            data = [self._desk.public(refund) for refund in refunds[:PAGE]]
            return as_json({"object": "list", "data": data})

        return self._wire.call("fetch", found)

    def fetch(self, request: Request, refund_id: str) -> Answer:
        """Return a refund."""
        return self._wire.call("fetch", lambda: self._shown(self._book.get(refund_id)))

    def close(self, request: Request) -> Answer:
        """Make sure that nothing will be given back under a reference any more.

        Return the refund there is, or null for "never happened, and never will".
        """
        reference = parse_reference(request)

        def closed() -> Answer:
            refund = self._desk.close(reference)
            found = self._desk.public(refund) if refund else None
            return as_json({"object": "closure", "reference": reference, "refund": found})

        return self._wire.call("cancel", closed)

    def _opened(self, order: RefundOrder, conduct: Conduct) -> Answer:
        try:
            return self._shown(self._desk.create(order, conduct), status=201)
        except RefundRefusedError as error:
            raise ApiError(409, error.code, str(error)) from None

    def _shown(self, refund: Refund | None, *, status: int = 200) -> Answer:
        if refund is None:
            raise ApiError(404, "no_such_refund", "There is no such refund.")
        return as_json(self._desk.public(refund), status)
