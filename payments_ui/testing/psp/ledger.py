"""The sandbox's books: what was asked of it, what it took, and when.

The books are the oracle of a test: they are kept without looking at the merchant's database, so
"taken here" and "booked there" can be compared.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from .clock import Clock
from .faults import Conduct
from .refunds import Refunds, RefundStatus
from .store import Row, Store, marks

PAGE = 100


class Status(StrEnum):
    """Where a charge stands. The last three are final."""

    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELLED = "cancelled"


OPEN = frozenset({Status.REQUIRES_ACTION, Status.PROCESSING})


_REFUNDED = (
    "(SELECT COALESCE(SUM(r.amount), 0) FROM refunds r"  # noqa: S608
    f" WHERE r.charge = charges.id AND r.status = '{RefundStatus.SUCCEEDED}')"
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a merchant asks for. `amount` is in minor units of `currency`."""

    amount: int
    currency: str
    reference: str
    method: str
    return_url: str
    card: str = ""
    webhook_url: str = ""
    description: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Charge(Order):
    """An order and what became of it. Times are seconds on the sandbox's clock.

    `refunded` is what was given back of it so far, in minor units.
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

    @classmethod
    def from_row(cls, row: Row) -> Charge:
        """Read a charge from the books."""
        values = {
            **row,
            "live": bool(row["live"]),
            "status": Status(row["status"]),
            "metadata": json.loads(row["metadata"]),
            "conduct": Conduct.read(row["conduct"]),
        }
        return cls(**values)

    def to_row(self) -> Row:
        """Return the charge as the books keep it."""
        written = {"metadata": json.dumps(self.metadata), "conduct": self.conduct.written()}
        row = asdict(self) | written
        del row["refunded"]  # the refunds have it
        return row


@dataclass(frozen=True)
class Total:
    """Money of one currency, in minor units."""

    taken: int = 0
    refunded: int = 0

    @property
    def kept(self) -> int:
        """What the merchant has got."""
        return self.taken - self.refunded


class Ledger:
    """Charges, their `refunds`, and the sums. All methods may be called from any thread."""

    def __init__(self, store: Store, *, account: str = "acct_sandbox", live: bool = False) -> None:
        self.store = store
        self.account = account
        self.live = live
        offset = store.row("SELECT value FROM facts WHERE name = 'clock_offset'")
        self.clock = Clock(offset["value"] if offset else 0.0)
        self.refunds = Refunds(store, self.clock)

    def advance(self, seconds: float) -> None:
        """Put the clock forward, for good: a restart keeps it."""
        offset = self.clock.advance(seconds)
        self.store.change("REPLACE INTO facts (name, value) VALUES ('clock_offset', ?)", offset)

    def add(
        self,
        order: Order,
        conduct: Conduct,
        status: Status,
        *,
        decline_code: str = "",
        due_at: float | None = None,
    ) -> Charge:
        """Enter a charge; where its conduct says so, with another amount, currency or owner."""
        now = self.clock.now()
        charge = Charge(
            **asdict(order) | conduct.distortion(order.amount, self.account, live=self.live),
            id=f"ch_{uuid.uuid4().hex}",
            status=status,
            decline_code=decline_code,
            page_token=secrets.token_urlsafe(24),
            conduct=conduct,
            created_at=now,
            updated_at=now,
            due_at=due_at,
        )
        self.store.insert("charges", charge.to_row())
        return charge

    def move(
        self,
        charge_id: str,
        to: Status,
        *,
        allowed: Iterable[Status],
        decline_code: str = "",
        due_at: float | None = None,
    ) -> bool:
        """Change the status if it is one of the allowed ones, and tell whether it was."""
        allowed = tuple(allowed)
        sql = "UPDATE charges SET status = ?, decline_code = ?, due_at = ?, updated_at = ?"
        sql += f" WHERE id = ? AND status IN ({marks(allowed)})"
        now = self.clock.now()
        return self.store.change(sql, to, decline_code, due_at, now, charge_id, *allowed) == 1

    def get(self, charge_id: str) -> Charge | None:
        """Return the charge with this id."""
        return self._first("WHERE id = ?", charge_id)

    def by_token(self, page_token: str) -> Charge | None:
        """Return the charge whose page has this secret address."""
        return self._first("WHERE page_token = ?", page_token)

    def by_reference(self, reference: str) -> list[Charge]:
        """Return what was charged under the merchant's reference, oldest first."""
        return self._charges("WHERE reference = ? ORDER BY created_at, rowid", reference)

    def due(self) -> list[Charge]:
        """Return the charges whose waiting time is over."""
        return self._charges("WHERE due_at <= ? ORDER BY due_at", self.clock.now())

    def charges(self, *, limit: int = -1, offset: int = 0) -> list[Charge]:
        """Return all charges, newest first."""
        return self._charges("ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?", limit, offset)

    def page(self, after: str = "", limit: int = PAGE) -> list[Charge]:
        """Return the charges that came after this one (or all), oldest first: stable pages."""
        then = "(SELECT COALESCE(MAX(rowid), 0) FROM charges WHERE id = ?)"
        return self._charges(f"WHERE rowid > {then} ORDER BY rowid LIMIT ?", after, limit)

    def every(self) -> Iterator[Charge]:
        """Go through all charges, oldest first, a page in memory."""
        page = self.page()
        while page:
            yield from page
            page = self.page(page[-1].id)

    def close_reference(self, reference: str) -> None:
        """Refuse every later order with this reference."""
        self.store.change(
            "INSERT OR IGNORE INTO closed_references (reference, created_at) VALUES (?, ?)",
            reference,
            self.clock.now(),
        )

    def is_closed(self, reference: str) -> bool:
        """Tell whether orders with this reference are refused."""
        sql = "SELECT 1 FROM closed_references WHERE reference = ?"
        return self.store.row(sql, reference) is not None

    def totals(self) -> dict[str, Total]:
        """Return what was taken and given back, by currency."""
        rows = self.store.rows(
            f"SELECT currency, SUM(amount) AS taken, SUM({_REFUNDED}) AS refunded"  # noqa: S608
            " FROM charges WHERE status = ? GROUP BY currency ORDER BY currency",
            Status.SUCCEEDED,
        )
        return {row["currency"]: Total(row["taken"], row["refunded"]) for row in rows}

    def _charges(self, rest: str, *values: object) -> list[Charge]:
        sql = f"SELECT *, {_REFUNDED} AS refunded FROM charges {rest}"  # noqa: S608 (of this class)
        rows = self.store.rows(sql, *values)
        return [Charge.from_row(row) for row in rows]

    def _first(self, rest: str, *values: object) -> Charge | None:
        return next(iter(self._charges(rest, *values)), None)
