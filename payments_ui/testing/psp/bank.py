"""What the fake PSP does with money: each change of a charge, refund or dispute, with its news."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NotRequired, Protocol, TypedDict

from .ledger import Ledger
from .ledger.charges import Charge, Order, Status
from .ledger.disputes import OPEN_DISPUTES, Dispute, DisputeStatus
from .ledger.refunds import Refund, RefundOrder, RefundStatus
from .scenarios import Conduct
from .webhooks import Outbox

#: Seconds on the PSP's clock for which a charge waits for its customer.
ACTION_LIFE = 1800
DECISIONS = ("approve", "refuse", "cancel")
#: Seconds on the PSP's clock for which a dispute waits for evidence.
EVIDENCE_LIFE = 7 * 24 * 3600


class RefusedError(Exception):
    """The PSP refuses an order, and moves no money. `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ChargeMove(TypedDict):
    """Where a charge goes next."""

    status: Status
    decline_code: NotRequired[str]
    due_at: NotRequired[float | None]


class RefundMove(TypedDict):
    """Where a refund goes next."""

    status: RefundStatus
    failure_code: NotRequired[str]
    due_at: NotRequired[float]


class Face(Protocol):
    """An API of the PSP: it tells its merchants what became of their money.

    Each method is called in the transaction of the change.
    """

    def charge_moved(self, charge: Charge) -> None:
        """A charge was made, or has another status."""

    def refund_moved(self, refund: Refund, charge: Charge) -> None:
        """A refund was made, or has another status."""

    def dispute_moved(self, dispute: Dispute, charge: Charge) -> None:
        """A dispute was opened, or has another status."""


class Bank:
    """The verbs of the PSP. Each is a transaction in its ledger.

    `url` is where its pages are. `faces` are told what moved, by the face that was asked.
    """

    def __init__(self, ledger: Ledger, outbox: Outbox, url: str) -> None:
        self.ledger = ledger
        self.outbox = outbox
        self.url = url
        self.faces: dict[str, Face] = {}

    # Charges

    def charge(
        self, order: Order, conduct: Conduct, *, action_life: float | None = ACTION_LIFE
    ) -> Charge:
        """Charge, or ask the customer first; RefusedError if the reference is closed.

        The charge waits so many seconds for its customer; None: until it is cancelled.
        """
        if conduct.action or order.method == "page":
            due = None if action_life is None else self.ledger.clock.now() + action_life
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
                move = self._refund_result(conduct)
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
            self._face(charge).refund_moved(refund, charge)
            return refund

    def close_refund_reference(self, reference: str) -> Refund | None:
        """Refuse later refunds under a reference.

        Return the newest refund under it; None means that nothing was or will be refunded.
        """
        with self.ledger.store.transaction():
            self.ledger.refunds.close_reference(reference)
            refunds = self.ledger.refunds.by_reference(reference)
            return refunds[-1] if refunds else None

    def return_refund(self, refund_id: str, reason: str) -> Refund | None:
        """Let a refund that succeeded come back; any other stays as it is."""
        refund = self.ledger.refunds.get(refund_id)
        if refund is None:
            return None
        move = RefundMove(status=RefundStatus.RETURNED, failure_code=reason)
        return self._move_refund(refund, RefundStatus.SUCCEEDED, move)

    # Disputes

    def open_dispute(
        self, charge_id: str, amount: int | None = None, *, reason: str, inquiry: bool = False
    ) -> Dispute:
        """Let the customer's bank take back a charge, or so much of it; an inquiry only asks.

        RefusedError for a charge that was not taken, and for more than is left of it.
        """
        with self.ledger.store.transaction():
            charge = self.ledger.charges.get(charge_id)
            if charge is None or charge.status != Status.SUCCEEDED:
                raise RefusedError("charge_not_taken", "This charge was not taken.")
            left = charge.amount - charge.refunded - charge.disputed
            amount = left if amount is None else amount
            if not 0 < amount <= left:
                raise RefusedError("dispute_too_large", "Less than that is left of the charge.")
            dispute = self.ledger.disputes.add(
                charge.id,
                amount=amount,
                currency=charge.currency,
                reason=reason,
                status=DisputeStatus.INQUIRY if inquiry else DisputeStatus.NEEDS_RESPONSE,
                due_at=self.ledger.clock.now() + EVIDENCE_LIFE,
            )
            self._face(charge).dispute_moved(dispute, charge)
            return dispute

    def escalate_dispute(self, dispute_id: str) -> Dispute:
        """Make a dispute of an inquiry: the bank takes the money now."""
        return self._move_dispute(dispute_id, [DisputeStatus.INQUIRY], DisputeStatus.NEEDS_RESPONSE)

    def review_dispute(self, dispute_id: str) -> Dispute:
        """Take the merchant's evidence."""
        asked = [DisputeStatus.NEEDS_RESPONSE]
        return self._move_dispute(dispute_id, asked, DisputeStatus.UNDER_REVIEW)

    def win_dispute(self, dispute_id: str) -> Dispute:
        """Decide for the merchant, also late: the bank puts the money back."""
        allowed = [DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST]
        return self._move_dispute(dispute_id, allowed, DisputeStatus.WON)

    def lose_dispute(self, dispute_id: str) -> Dispute:
        """Decide for the customer; an inquiry ends without money."""
        dispute = self.ledger.disputes.get(dispute_id)
        if dispute and dispute.status == DisputeStatus.INQUIRY:
            return self._move_dispute(dispute_id, OPEN_DISPUTES, DisputeStatus.CLOSED)
        return self._move_dispute(dispute_id, OPEN_DISPUTES, DisputeStatus.LOST)

    # Time

    def finish_due(self) -> None:
        """Finish charges and refunds whose waiting time is over."""
        for charge in self.ledger.charges.due():
            if charge.status == Status.REQUIRES_ACTION:
                result = ChargeMove(status=Status.DECLINED, decline_code="abandoned")
            else:
                result = _charge_result(charge.conduct)
            self._move(charge, charge.status, result)
        for refund in self.ledger.refunds.due():
            if refund.status == RefundStatus.PENDING:
                self._move_refund(refund, refund.status, self._refund_result(refund.conduct))
            else:
                self.return_refund(refund.id, "declined")

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
        self._face(charge).charge_moved(charge)

    def _face(self, charge: Charge) -> Face:
        return self.faces[charge.face]

    def _refund_result(self, conduct: Conduct) -> RefundMove:
        if conduct.decline:
            return RefundMove(status=RefundStatus.FAILED, failure_code=conduct.decline)
        move = RefundMove(status=RefundStatus.SUCCEEDED)
        if conduct.returns_after is not None:
            move["due_at"] = self.ledger.clock.now() + conduct.returns_after
        return move

    def _move_refund(self, refund: Refund, expected: RefundStatus, move: RefundMove) -> Refund:
        refunds = self.ledger.refunds
        with self.ledger.store.transaction():
            moved = refunds.move(refund.id, allowed={expected}, **move)
            refund = refunds.get(refund.id) or refund
            charge = self.ledger.charges.get(refund.charge)
            if moved and charge:
                self._face(charge).refund_moved(refund, charge)
            return refund

    def _move_dispute(
        self, dispute_id: str, allowed: Iterable[DisputeStatus], status: DisputeStatus
    ) -> Dispute:
        disputes = self.ledger.disputes
        with self.ledger.store.transaction():
            moved = disputes.move(dispute_id, allowed=allowed, status=status)
            dispute = disputes.get(dispute_id)
            charge = self.ledger.charges.get(dispute.charge) if dispute else None
            if not (moved and dispute and charge):
                raise RefusedError("dispute_decided", "This dispute cannot go there.")
            self._face(charge).dispute_moved(dispute, charge)
            return dispute


def _charge_result(conduct: Conduct) -> ChargeMove:
    if conduct.decline:
        return ChargeMove(status=Status.DECLINED, decline_code=conduct.decline)
    return ChargeMove(status=Status.SUCCEEDED)
