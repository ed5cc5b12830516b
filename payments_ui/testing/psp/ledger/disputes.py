"""Disputes in the ledger: money that customers' banks take back, and may put back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from .clock import Clock
from .store import Row, Store, marks


class DisputeStatus(StrEnum):
    """Where a dispute stands. The last three are final."""

    INQUIRY = "inquiry"  # the bank asks, and takes nothing
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"  # an inquiry that ended without a dispute


OPEN_DISPUTES = (DisputeStatus.INQUIRY, DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW)


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """A dispute of a charge, in minor units of its currency.

    `withdrawn` is what the bank took because of it, `reinstated` what it put back since. Until
    `due_at` evidence is accepted.
    """

    id: str
    charge: str
    amount: int
    currency: str
    reason: str
    status: DisputeStatus
    withdrawn: int
    reinstated: int
    created_at: float
    updated_at: float
    due_at: float | None


class Disputes:
    """The disputes in the ledger. Threads may share it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(
        self,
        charge_id: str,
        *,
        amount: int,
        currency: str,
        reason: str,
        status: DisputeStatus,
        due_at: float | None,
    ) -> Dispute:
        """Enter a dispute, with which money is withdrawn unless it is an inquiry."""
        now = self._clock.now()
        dispute = Dispute(
            id=f"du_{uuid.uuid4().hex}",
            charge=charge_id,
            amount=amount,
            currency=currency,
            reason=reason,
            status=status,
            withdrawn=0 if status == DisputeStatus.INQUIRY else amount,
            reinstated=0,
            created_at=now,
            updated_at=now,
            due_at=due_at,
        )
        self._store.insert("disputes", asdict(dispute))
        return dispute

    def move(
        self, dispute_id: str, *, allowed: Iterable[DisputeStatus], status: DisputeStatus
    ) -> bool:
        """Change the status if it is one of the allowed ones; return whether it was.

        What is disputed is withdrawn, and what is won is put back.
        """
        allowed = tuple(allowed)
        withdrawn, reinstated = "withdrawn", "reinstated"
        if status == DisputeStatus.NEEDS_RESPONSE:
            withdrawn = "amount"
        if status == DisputeStatus.WON:
            reinstated = "withdrawn"
        sql = f"UPDATE disputes SET status = ?, withdrawn = {withdrawn},"  # noqa: S608 (constants)
        sql += f" reinstated = {reinstated}, updated_at = ?"
        sql += f" WHERE id = ? AND status IN ({marks(allowed)})"
        return self._store.change(sql, status, self._clock.now(), dispute_id, *allowed) == 1

    def get(self, dispute_id: str) -> Dispute | None:
        """Return the dispute with this id, or None."""
        return next(iter(self._select("WHERE id = ?", dispute_id)), None)

    def of(self, charge_id: str) -> list[Dispute]:
        """Return the disputes of a charge, oldest first."""
        return self._select("WHERE charge = ? ORDER BY rowid", charge_id)

    def all(self) -> list[Dispute]:
        """Return all disputes, oldest first."""
        return self._select("ORDER BY rowid")

    def _select(self, rest: str, *values: object) -> list[Dispute]:
        sql = f"SELECT * FROM disputes {rest}"  # noqa: S608 (`rest` is a constant of this class)
        return [_read(row) for row in self._store.rows(sql, *values)]


def _read(row: Row) -> Dispute:
    return Dispute(**row | {"status": DisputeStatus(row["status"])})
