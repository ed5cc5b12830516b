"""What the fake PSP does with money: every change of a charge or refund, with its event."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from .ledger import Ledger
from .ledger.charges import OPEN, Charge, Order, Status
from .ledger.refunds import Refund, RefundOrder, RefundStatus
from .objects import charge_object, refund_object
from .scenarios import Conduct
from .webhooks import Outbox

#: Seconds on the PSP's clock for which a charge waits for its customer.
ACTION_LIFE = 1800
DECISIONS = ("approve", "refuse", "cancel")


class RefusedError(Exception):
    """The PSP refuses an order, and moves no money. `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ChargeMove(TypedDict):
    """Where a charge goes next."""

    status: Status
    decline_code: NotRequired[str]
    due_at: NotRequired[float]


class RefundMove(TypedDict):
    """Where a refund goes next."""

    status: RefundStatus
    failure_code: NotRequired[str]
    due_at: NotRequired[float]


class Bank:
    """The verbs of the PSP. Each is a transaction in its ledger. `url` is where its pages are."""

    def __init__(self, ledger: Ledger, outbox: Outbox, url: str) -> None:
        self.ledger = ledger
        self.outbox = outbox
        self.url = url

    # Charges

    def charge(self, order: Order, conduct: Conduct) -> Charge:
        """Charge, or ask the customer first; RefusedError if the reference is closed."""
        if conduct.action or order.method == "page":
            due = self.ledger.clock.now() + ACTION_LIFE
            move = ChargeMove(status=Status.REQUIRES_ACTION, due_at=due)
        else:
            move = self._approved(conduct)
        with self.ledger.store.transaction():
            if self.ledger.charges.is_closed(order.reference):
                raise RefusedError("reference_closed", "This reference was closed.")
            charge = self.ledger.charges.add(order, conduct, **move)
            self._publish(charge)
            return charge

    def decide(self, page_token: str, decision: str) -> Charge | None:
        """Do what the customer chose on the page; a charge that waits for no decision stays.

        Return the charge, or None if no page has this token.
        """
        charge = self.ledger.charges.by_token(page_token)
        if charge is None:
            return None
        refusal = "authentication_failed" if charge.method == "card" else "card_declined"
        moves = {
            "approve": self._approved(charge.conduct),
            "refuse": ChargeMove(status=Status.DECLINED, decline_code=refusal),
            "cancel": ChargeMove(status=Status.CANCELLED),
        }
        return self._move(charge, Status.REQUIRES_ACTION, moves[decision])

    def cancel(self, charge_id: str) -> Charge | None:
        """Cancel a charge that waits for the customer; any other stays as it is.

        Return the charge, or None if no charge has this id.
        """
        charge = self.ledger.charges.get(charge_id)
        if charge is None:
            return None
        return self._move(charge, Status.REQUIRES_ACTION, ChargeMove(status=Status.CANCELLED))

    def close_reference(self, reference: str) -> Charge | None:
        """Refuse later charges under a reference and cancel earlier ones that wait.

        Return the newest charge under it; None means that it was and will be charged nothing.
        """
        charges = self.ledger.charges
        with self.ledger.store.transaction():
            charges.close_reference(reference)
            closed = [self.cancel(charge.id) for charge in charges.by_reference(reference)]
            return closed[-1] if closed else None

    # Refunds

    def refund(self, order: RefundOrder, conduct: Conduct) -> Refund:
        """Refund a charge or a part of it.

        RefusedError for a closed reference, for a charge that was not taken, and for more than
        is left of it.
        """
        refunds = self.ledger.refunds
        with self.ledger.store.transaction():
            if refunds.is_closed(order.reference):
                raise RefusedError("reference_closed", "This reference was closed.")
            charge = self.ledger.charges.get(order.charge)
            if charge is None or charge.status != Status.SUCCEEDED:
                raise RefusedError("charge_not_taken", "This charge was not taken.")
            facts = conduct.distort(order.amount, charge.account, live=charge.live)
            if facts.get("amount", order.amount) > charge.amount - refunds.reserved(charge.id):
                raise RefusedError("refund_too_large", "Less than that is left of the charge.")
            if conduct.settle_after is None:
                move = _refund_result(conduct)
            else:
                due = self.ledger.clock.now() + conduct.settle_after
                move = RefundMove(status=RefundStatus.PENDING, due_at=due)
            refund = refunds.add(
                order,
                conduct,
                currency=charge.currency,
                account=charge.account,
                live=charge.live,
                webhook_url=charge.webhook_url,
                **move,
            )
            self._publish_refund(refund)
            return refund

    def close_refund_reference(self, reference: str) -> Refund | None:
        """Refuse later refunds under a reference.

        Return the newest refund under it; None means that nothing was or will be refunded.
        """
        with self.ledger.store.transaction():
            self.ledger.refunds.close_reference(reference)
            refunds = self.ledger.refunds.by_reference(reference)
            return refunds[-1] if refunds else None

    # Time

    def finish_due(self) -> None:
        """Finish charges and refunds whose waiting time is over."""
        for charge in self.ledger.charges.due():
            if charge.status == Status.REQUIRES_ACTION:
                result = ChargeMove(status=Status.DECLINED, decline_code="abandoned")
            else:
                result = _charge_result(charge.conduct)
            self._move(charge, charge.status, result)
        refunds = self.ledger.refunds
        for refund in refunds.due():
            with self.ledger.store.transaction():
                move = _refund_result(refund.conduct)
                if refunds.move(refund.id, allowed={RefundStatus.PENDING}, **move):
                    self._publish_refund(refunds.get(refund.id) or refund)

    def _approved(self, conduct: Conduct) -> ChargeMove:
        if conduct.settle_after is None:
            return _charge_result(conduct)
        due = self.ledger.clock.now() + conduct.settle_after
        return ChargeMove(status=Status.PROCESSING, due_at=due)

    def _move(self, charge: Charge, expected: Status, move: ChargeMove) -> Charge:
        charges = self.ledger.charges
        with self.ledger.store.transaction():
            moved = charges.move(charge.id, allowed={expected}, **move)
            charge = charges.get(charge.id) or charge
            if moved:
                self._publish(charge)
            return charge

    def _publish(self, charge: Charge) -> None:
        self.outbox.post(
            charge_object(charge, self.url),
            charge_id=charge.id,
            url=charge.webhook_url,
            conduct=charge.conduct,
            final=charge.status not in OPEN,
        )

    def _publish_refund(self, refund: Refund) -> None:
        self.outbox.post(
            refund_object(refund),
            charge_id=refund.charge,
            url=refund.webhook_url,
            conduct=refund.conduct,
            final=refund.status != RefundStatus.PENDING,
        )


def _charge_result(conduct: Conduct) -> ChargeMove:
    if conduct.decline:
        return ChargeMove(status=Status.DECLINED, decline_code=conduct.decline)
    return ChargeMove(status=Status.SUCCEEDED)


def _refund_result(conduct: Conduct) -> RefundMove:
    if conduct.decline:
        return RefundMove(status=RefundStatus.FAILED, failure_code=conduct.decline)
    return RefundMove(status=RefundStatus.SUCCEEDED)
