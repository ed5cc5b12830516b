"""Charges in the ledger: money taken from customers, or asked for."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from payments_ui.testing.psp.scenarios import Conduct

from .clock import Clock
from .refunds import RefundStatus
from .store import Row, Store, marks

PAGE_SIZE = 100

#: SQL: what was refunded of a charge so far.
REFUNDED = (
    "(SELECT COALESCE(SUM(r.amount), 0) FROM refunds r"  # noqa: S608 (constants)
    f" WHERE r.charge = charges.id AND r.status = '{RefundStatus.SUCCEEDED}')"
)

#: SQL: what banks took back of a charge, and did not put back.
DISPUTED = (
    "(SELECT COALESCE(SUM(d.withdrawn - d.reinstated), 0) FROM disputes d"
    " WHERE d.charge = charges.id)"
)


class Status(StrEnum):
    """Where a charge stands. The last three are final."""

    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELLED = "cancelled"


OPEN = frozenset({Status.REQUIRES_ACTION, Status.PROCESSING})


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a merchant asks for. `amount` is in minor units of `currency`.

    `face` is the API that it was asked through. `known_as` is what the merchant knows the charge
    by, where that is not its id.
    """

    amount: int
    currency: str
    reference: str
    method: str
    return_url: str
    card: str = ""
    webhook_url: str = ""
    description: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    face: str = "sandbox"
    known_as: str = ""


@dataclass(frozen=True, kw_only=True)
class Charge(Order):
    """An order and what became of it. Times are seconds on the PSP's clock.

    `refunded` is what was refunded so far, `disputed` what banks took back, in minor units.
    """

    id: str
    account: str
    live: bool
    status: Status
    decline_code: str
    page_token: str
    conduct: Conduct
    created_at: float
    updated_at: float
    due_at: float | None
    refunded: int = 0
    disputed: int = 0

    @property
    def name(self) -> str:
        """What the merchant knows the charge by."""
        return self.known_as or self.id


class Charges:
    """The charges in the ledger. Threads may share it."""

    def __init__(self, store: Store, clock: Clock, account: str, *, live: bool) -> None:
        self._store = store
        self._clock = clock
        self._account = account
        self._live = live

    def add(
        self,
        order: Order,
        conduct: Conduct,
        status: Status,
        *,
        decline_code: str = "",
        due_at: float | None = None,
    ) -> Charge:
        """Enter a charge, with the mistakes that its conduct asks for."""
        now = self._clock.now()
        facts: Row = asdict(order)
        facts.update(conduct.distort(order.amount, self._account, live=self._live))
        charge = Charge(
            **facts,
            id=f"ch_{uuid.uuid4().hex}",
            status=status,
            decline_code=decline_code,
            page_token=secrets.token_urlsafe(24),
            conduct=conduct,
            created_at=now,
            updated_at=now,
            due_at=due_at,
        )
        row = asdict(charge)
        row |= {"metadata": json.dumps(charge.metadata), "conduct": conduct.to_json()}
        del row["refunded"], row["disputed"]  # summed up
        self._store.insert("charges", row)
        return charge

    def move(
        self,
        charge_id: str,
        *,
        allowed: Iterable[Status],
        status: Status,
        decline_code: str = "",
        due_at: float | None = None,
    ) -> bool:
        """Change the status if it is one of the allowed ones; return whether it was."""
        allowed = tuple(allowed)
        sql = "UPDATE charges SET status = ?, decline_code = ?, due_at = ?, updated_at = ?"
        sql += f" WHERE id = ? AND status IN ({marks(allowed)})"
        now = self._clock.now()
        return self._store.change(sql, status, decline_code, due_at, now, charge_id, *allowed) == 1

    def get(self, charge_id: str) -> Charge | None:
        """Return the charge with this id, or None."""
        return next(iter(self._select("WHERE id = ?", charge_id)), None)

    def by_token(self, page_token: str) -> Charge | None:
        """Return the charge whose page has this secret address, or None."""
        return next(iter(self._select("WHERE page_token = ?", page_token)), None)

    def by_reference(self, reference: str) -> list[Charge]:
        """Return the charges under a reference of the merchant, oldest first."""
        return self._select("WHERE reference = ? ORDER BY created_at, rowid", reference)

    def by_name(self, known_as: str) -> list[Charge]:
        """Return the charges that the merchant knows by this name, oldest first."""
        return self._select("WHERE known_as = ? ORDER BY rowid", known_as)

    def due(self) -> list[Charge]:
        """Return the charges whose waiting time is over."""
        return self._select("WHERE due_at <= ? ORDER BY due_at", self._clock.now())

    def newest(self, *, limit: int = -1, offset: int = 0) -> list[Charge]:
        """Return charges, newest first; without a limit, all."""
        return self._select("ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?", limit, offset)

    def page(self, after: str = "", limit: int = PAGE_SIZE) -> list[Charge]:
        """Return the charges that came after the one with this id, oldest first.

        Without an id the page begins with the first charge. New charges move no page.
        """
        start = "(SELECT COALESCE(MAX(rowid), 0) FROM charges WHERE id = ?)"
        return self._select(f"WHERE rowid > {start} ORDER BY rowid LIMIT ?", after, limit)

    def all(self) -> Iterator[Charge]:
        """Yield all charges, oldest first, with a page of them in memory."""
        page = self.page()
        while page:
            yield from page
            page = self.page(page[-1].id)

    def close_reference(self, reference: str) -> None:
        """Refuse every later order with this reference."""
        sql = "INSERT OR IGNORE INTO closed_references (reference, created_at) VALUES (?, ?)"
        self._store.change(sql, reference, self._clock.now())

    def is_closed(self, reference: str) -> bool:
        """Tell whether orders with this reference are refused."""
        sql = "SELECT 1 FROM closed_references WHERE reference = ?"
        return self._store.row(sql, reference) is not None

    def _select(self, rest: str, *values: object) -> list[Charge]:
        sql = f"SELECT *, {REFUNDED} AS refunded, {DISPUTED} AS disputed FROM charges {rest}"  # noqa: S608 (constants)
        return [_read(row) for row in self._store.rows(sql, *values)]


def _read(row: Row) -> Charge:
    values = {
        "live": bool(row["live"]),
        "status": Status(row["status"]),
        "metadata": json.loads(row["metadata"]),
        "conduct": Conduct.from_json(row["conduct"]),
    }
    return Charge(**row | values)
