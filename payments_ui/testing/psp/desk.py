"""The desk where money is given back: every change of a refund, with its event."""

from __future__ import annotations

from typing import Any

from .faults import Conduct
from .ledger import Charge, Ledger, Status
from .refunds import Refund, RefundOrder, RefundStatus
from .webhooks import Outbox

SHOWN = (
    *("id", "account", "live", "charge", "reference", "amount", "currency", "status"),
    *("failure_code", "metadata"),
)


class RefundRefusedError(Exception):
    """Nothing is given back, and the message says why; `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Desk:
    """The sandbox's verbs about refunds. Each is one transaction in its books."""

    def __init__(self, ledger: Ledger, outbox: Outbox) -> None:
        self._ledger = ledger
        self._book = ledger.refunds
        self._outbox = outbox

    def create(self, order: RefundOrder, conduct: Conduct) -> Refund:
        """Give money back, all of it or a part.

        RefundRefusedError for a closed reference, and for a charge that has not been taken or
        of which less is left.
        """
        with self._ledger.store.transaction():
            charge = self._judged(order, conduct)
            if conduct.settle_after is None:
                refund = self._book.add(order, charge, conduct, **_result(conduct))
            else:
                due = self._ledger.clock.now() + conduct.settle_after
                pending = RefundStatus.PENDING
                refund = self._book.add(order, charge, conduct, pending, due_at=due)
            return self._tell(refund)

    def close(self, reference: str) -> Refund | None:
        """Refuse later refunds under a reference.

        Return the newest one under it, None if there is none (and never will be).
        """
        with self._ledger.store.transaction():
            self._book.close_reference(reference)
            found = self._book.by_reference(reference)
            return found[-1] if found else None

    def tick(self) -> None:
        """Finish what has waited long enough."""
        for refund in self._book.due():
            with self._ledger.store.transaction():
                result = _result(refund.conduct)
                if self._book.move(refund.id, allowed={RefundStatus.PENDING}, **result):
                    self._tell(self._book.get(refund.id) or refund)

    def public(self, refund: Refund) -> dict[str, Any]:
        """Return a refund as the merchant sees it."""
        shown = {name: getattr(refund, name) for name in SHOWN}
        return {"object": "refund", **shown, "created_at": int(refund.created_at)}

    def _judged(self, order: RefundOrder, conduct: Conduct) -> Charge:
        charge = self._ledger.get(order.charge)
        if self._book.is_closed(order.reference):
            raise RefundRefusedError("reference_closed", "This reference was closed.")
        if charge is None or charge.status != Status.SUCCEEDED:
            raise RefundRefusedError("charge_not_taken", "There is no such charge that was taken.")
        wrong = conduct.distortion(order.amount, charge.account, live=charge.live)
        if wrong.get("amount", order.amount) > charge.amount - self._book.reserved(charge.id):
            raise RefundRefusedError("refund_too_large", "Less than that is left of the charge.")
        return charge

    def _tell(self, refund: Refund) -> Refund:
        final = refund.status != RefundStatus.PENDING
        self._outbox.post(self.public(refund), refund.webhook_url, refund.conduct, final=final)
        return refund


def _result(conduct: Conduct) -> dict[str, Any]:
    if conduct.decline:
        return {"status": RefundStatus.FAILED, "failure_code": conduct.decline}
    return {"status": RefundStatus.SUCCEEDED}
