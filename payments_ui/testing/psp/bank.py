"""What the sandbox does with money: every change of a charge, each with its event."""

from __future__ import annotations

from typing import Any

from .desk import Desk
from .faults import Conduct
from .ledger import OPEN, Charge, Ledger, Order, Status
from .webhooks import Outbox

ACTION_LIFE = 1800
SHOWN = (
    *("id", "account", "live", "reference", "amount", "currency", "method", "card"),
    *("status", "decline_code", "description", "metadata", "refunded"),
)
DECISIONS = ("approve", "refuse", "cancel")


class ReferenceClosedError(Exception):
    """The merchant has closed this reference: nothing may be charged under it."""


class Bank:
    """The sandbox's verbs about charges; `desk` has those about refunds.

    Each is one transaction in its books.
    """

    def __init__(self, ledger: Ledger, outbox: Outbox, base_url: str) -> None:
        self.ledger = ledger
        self.outbox = outbox
        self.desk = Desk(ledger, outbox)
        self._base_url = base_url

    def create(self, order: Order, conduct: Conduct) -> Charge:
        """Take an order; ReferenceClosedError if its reference was closed."""
        ask = conduct.action or order.method == "page"
        move = (
            {"status": Status.REQUIRES_ACTION, "due_at": self._in(ACTION_LIFE)}
            if ask
            else self._approval(conduct)
        )
        with self.ledger.store.transaction():
            if self.ledger.is_closed(order.reference):
                raise ReferenceClosedError
            charge = self.ledger.add(order, conduct, **move)
            return self._tell(charge)

    def decide(self, page_token: str, decision: str) -> Charge | None:
        """Do what the customer chose on the page; a charge that needs no decision stays as it is.

        None if there is no such page.
        """
        charge = self.ledger.by_token(page_token)
        if charge is None:
            return None
        refusal = "authentication_failed" if charge.method == "card" else "card_declined"
        moves: dict[str, dict[str, Any]] = {
            "approve": self._approval(charge.conduct),
            "refuse": {"status": Status.DECLINED, "decline_code": refusal},
            "cancel": {"status": Status.CANCELLED},
        }
        return self._move(charge, allowed={Status.REQUIRES_ACTION}, **moves[decision])

    def cancel(self, charge_id: str) -> Charge | None:
        """Cancel a charge that waits for the customer; any other stays as it is.

        None if there is no such charge.
        """
        charge = self.ledger.get(charge_id)
        if charge is None:
            return None
        return self._move(charge, Status.CANCELLED, allowed={Status.REQUIRES_ACTION})

    def close(self, reference: str) -> Charge | None:
        """Refuse later orders under a reference and cancel what came before.

        Return the newest charge under it, None if there is none (and never will be).
        """
        with self.ledger.store.transaction():
            self.ledger.close_reference(reference)
            cancelled = [self.cancel(charge.id) for charge in self.ledger.by_reference(reference)]
            return cancelled[-1] if cancelled else None

    def tick(self) -> None:
        """Finish what has waited long enough."""
        for charge in self.ledger.due():
            result = _result(charge.conduct)
            if charge.status == Status.REQUIRES_ACTION:
                result = {"status": Status.DECLINED, "decline_code": "abandoned"}
            self._move(charge, allowed={charge.status}, **result)
        self.desk.tick()

    def public(self, charge: Charge) -> dict[str, Any]:
        """Return a charge as the merchant sees it."""
        asks = charge.status == Status.REQUIRES_ACTION
        page = f"{self._base_url}/pay/{charge.page_token}" if asks else None
        return {
            "object": "charge",
            **{name: getattr(charge, name) for name in SHOWN},
            "action_url": page,
            "expires_at": int(charge.due_at) if asks and charge.due_at else None,
            "created_at": int(charge.created_at),
        }

    def _approval(self, conduct: Conduct) -> dict[str, Any]:
        if conduct.settle_after is not None:
            return {"status": Status.PROCESSING, "due_at": self._in(conduct.settle_after)}
        return _result(conduct)

    def _move(
        self,
        charge: Charge,
        status: Status,
        *,
        allowed: set[Status],
        decline_code: str = "",
        due_at: float | None = None,
    ) -> Charge:
        with self.ledger.store.transaction():
            moved = self.ledger.move(
                charge.id, status, allowed=allowed, decline_code=decline_code, due_at=due_at
            )
            now = self.ledger.get(charge.id) or charge
            return self._tell(now) if moved else now

    def _tell(self, charge: Charge) -> Charge:
        final = charge.status not in OPEN
        self.outbox.post(self.public(charge), charge.webhook_url, charge.conduct, final=final)
        return charge

    def _in(self, seconds: float) -> float:
        return self.ledger.clock.now() + seconds


def _result(conduct: Conduct) -> dict[str, Any]:
    if conduct.decline:
        return {"status": Status.DECLINED, "decline_code": conduct.decline}
    return {"status": Status.SUCCEEDED}
