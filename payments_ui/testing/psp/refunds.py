"""Money given back, in the sandbox's books."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from .clock import Clock
from .faults import Conduct
from .store import Row, Store, marks

if TYPE_CHECKING:
    from .ledger import Charge


class RefundStatus(StrEnum):
    """Where a refund stands. The last two are final."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class RefundOrder:
    """What a merchant asks for. `amount` is in minor units of the charge's currency.

    `webhook_url` None: where the charge's events go.
    """

    charge: str
    amount: int
    reference: str
    webhook_url: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Refund(RefundOrder):
    """An order and what became of it. Times are seconds on the sandbox's clock."""

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

    @classmethod
    def from_row(cls, row: Row) -> Refund:
        """Read a refund from the books."""
        values = {
            **row,
            "live": bool(row["live"]),
            "status": RefundStatus(row["status"]),
            "metadata": json.loads(row["metadata"]),
            "conduct": Conduct.read(row["conduct"]),
        }
        return cls(**values)

    def to_row(self) -> Row:
        """Return the refund as the books keep it."""
        written = {"metadata": json.dumps(self.metadata), "conduct": self.conduct.written()}
        return asdict(self) | written


class Refunds:
    """The books of refunds. All methods may be called from any thread."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(
        self,
        order: RefundOrder,
        charge: Charge,
        conduct: Conduct,
        status: RefundStatus,
        *,
        failure_code: str = "",
        due_at: float | None = None,
    ) -> Refund:
        """Enter a refund; where its conduct says so, in another currency, mode or account."""
        now = self._clock.now()
        wrong = conduct.distortion(order.amount, charge.account, live=charge.live)
        url = charge.webhook_url if order.webhook_url is None else order.webhook_url
        refund = Refund(
            **asdict(order) | {"currency": charge.currency, "webhook_url": url} | wrong,
            id=f"re_{uuid.uuid4().hex}",
            status=status,
            failure_code=failure_code,
            conduct=conduct,
            created_at=now,
            updated_at=now,
            due_at=due_at,
        )
        self._store.insert("refunds", refund.to_row())
        return refund

    def move(
        self,
        refund_id: str,
        status: RefundStatus,
        *,
        allowed: Iterable[RefundStatus],
        failure_code: str = "",
    ) -> bool:
        """Change the status if it is one of the allowed ones, and tell whether it was."""
        allowed = tuple(allowed)
        sql = "UPDATE refunds SET status = ?, failure_code = ?, due_at = NULL, updated_at = ?"
        sql += f" WHERE id = ? AND status IN ({marks(allowed)})"
        now = self._clock.now()
        return self._store.change(sql, status, failure_code, now, refund_id, *allowed) == 1

    def get(self, refund_id: str) -> Refund | None:
        """Return the refund with this id."""
        return next(iter(self._refunds("WHERE id = ?", refund_id)), None)

    def by_reference(self, reference: str) -> list[Refund]:
        """Return what was given back under the merchant's reference, oldest first."""
        return self._refunds("WHERE reference = ? ORDER BY rowid", reference)

    def of(self, charge_id: str) -> list[Refund]:
        """Return the refunds of a charge, oldest first."""
        return self._refunds("WHERE charge = ? ORDER BY rowid", charge_id)

    def due(self) -> list[Refund]:
        """Return the refunds whose waiting time is over."""
        return self._refunds("WHERE due_at <= ? ORDER BY due_at", self._clock.now())

    def all(self) -> list[Refund]:
        """Return all refunds, oldest first."""
        return self._refunds("ORDER BY rowid")

    def reserved(self, charge_id: str) -> int:
        """Return what was given back of a charge, or is about to be, in minor units."""
        standing = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
        return sum(one.amount for one in self.of(charge_id) if one.status in standing)

    def close_reference(self, reference: str) -> None:
        """Refuse every later refund with this reference."""
        sql = "INSERT OR IGNORE INTO closed_refunds (reference, created_at) VALUES (?, ?)"
        self._store.change(sql, reference, self._clock.now())

    def is_closed(self, reference: str) -> bool:
        """Tell whether refunds with this reference are refused."""
        sql = "SELECT 1 FROM closed_refunds WHERE reference = ?"
        return self._store.row(sql, reference) is not None

    def _refunds(self, rest: str, *values: object) -> list[Refund]:
        rows = self._store.rows(f"SELECT * FROM refunds {rest}", *values)  # noqa: S608 (of this class)
        return [Refund.from_row(row) for row in rows]
