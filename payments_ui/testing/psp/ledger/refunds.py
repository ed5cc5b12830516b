"""Refunds in the ledger: money given back to customers. A refund knows its charge by id only."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from payments_ui.testing.psp.scenarios import Conduct

from .clock import Clock
from .store import Row, Store, marks


class RefundStatus(StrEnum):
    """Where a refund stands. The last two are final."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETURNED = "returned"  # it had succeeded, and the money came back


@dataclass(frozen=True, kw_only=True)
class RefundOrder:
    """What a merchant asks for. `amount` is in minor units of the charge's currency.

    `webhook_url` None: events go where those of the charge go.
    """

    charge: str
    amount: int
    reference: str
    webhook_url: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Refund(RefundOrder):
    """An order and what became of it. Times are seconds on the PSP's clock."""

    id: str
    account: str
    live: bool
    currency: str
    webhook_url: str
    status: RefundStatus
    failure_code: str
    conduct: Conduct
    created_at: float
    updated_at: float
    due_at: float | None


class Refunds:
    """The refunds in the ledger. Threads may share it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(
        self,
        order: RefundOrder,
        conduct: Conduct,
        *,
        currency: str,
        account: str,
        live: bool,
        webhook_url: str,
        status: RefundStatus,
        failure_code: str = "",
        due_at: float | None = None,
    ) -> Refund:
        """Enter a refund, with the mistakes that its conduct asks for.

        Currency, account, mode and `webhook_url` are those of its charge.
        """
        now = self._clock.now()
        if order.webhook_url is not None:
            webhook_url = order.webhook_url
        facts: Row = asdict(order) | {"currency": currency, "webhook_url": webhook_url}
        facts.update(conduct.distort(order.amount, account, live=live))
        refund = Refund(
            **facts,
            id=f"re_{uuid.uuid4().hex}",
            status=status,
            failure_code=failure_code,
            conduct=conduct,
            created_at=now,
            updated_at=now,
            due_at=due_at,
        )
        stored = {"metadata": json.dumps(refund.metadata), "conduct": conduct.to_json()}
        self._store.insert("refunds", asdict(refund) | stored)
        return refund

    def move(
        self,
        refund_id: str,
        *,
        allowed: Iterable[RefundStatus],
        status: RefundStatus,
        failure_code: str = "",
        due_at: float | None = None,
    ) -> bool:
        """Change the status if it is one of the allowed ones; return whether it was."""
        allowed = tuple(allowed)
        sql = "UPDATE refunds SET status = ?, failure_code = ?, due_at = ?, updated_at = ?"
        sql += f" WHERE id = ? AND status IN ({marks(allowed)})"
        now = self._clock.now()
        return self._store.change(sql, status, failure_code, due_at, now, refund_id, *allowed) == 1

    def get(self, refund_id: str) -> Refund | None:
        """Return the refund with this id, or None."""
        return next(iter(self._select("WHERE id = ?", refund_id)), None)

    def by_reference(self, reference: str) -> list[Refund]:
        """Return the refunds under a reference of the merchant, oldest first."""
        return self._select("WHERE reference = ? ORDER BY rowid", reference)

    def of(self, charge_id: str) -> list[Refund]:
        """Return the refunds of a charge, oldest first."""
        return self._select("WHERE charge = ? ORDER BY rowid", charge_id)

    def due(self) -> list[Refund]:
        """Return the refunds whose waiting time is over."""
        return self._select("WHERE due_at <= ? ORDER BY due_at", self._clock.now())

    def all(self) -> list[Refund]:
        """Return all refunds, oldest first."""
        return self._select("ORDER BY rowid")

    def reserved(self, charge_id: str) -> int:
        """Return what was refunded of a charge or is about to be, in minor units."""
        standing = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
        return sum(refund.amount for refund in self.of(charge_id) if refund.status in standing)

    def close_reference(self, reference: str) -> None:
        """Refuse every later refund with this reference."""
        sql = "INSERT OR IGNORE INTO closed_refunds (reference, created_at) VALUES (?, ?)"
        self._store.change(sql, reference, self._clock.now())

    def is_closed(self, reference: str) -> bool:
        """Tell whether refunds with this reference are refused."""
        sql = "SELECT 1 FROM closed_refunds WHERE reference = ?"
        return self._store.row(sql, reference) is not None

    def _select(self, rest: str, *values: object) -> list[Refund]:
        sql = f"SELECT * FROM refunds {rest}"  # noqa: S608 (`rest` is a constant of this class)
        return [_read(row) for row in self._store.rows(sql, *values)]


def _read(row: Row) -> Refund:
    values = {
        "live": bool(row["live"]),
        "status": RefundStatus(row["status"]),
        "metadata": json.loads(row["metadata"]),
        "conduct": Conduct.from_json(row["conduct"]),
    }
    return Refund(**row | values)
