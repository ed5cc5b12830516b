"""The ledger of the fake PSP: what merchants asked for, what was charged and refunded, and when.

The ledger is kept without a look at the merchant's database, so a test can compare the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from .charges import DISPUTED, REFUNDED, Charges, Status
from .clock import Clock
from .disputes import Disputes
from .documents import Documents
from .refunds import Refunds
from .store import Store


@dataclass(frozen=True)
class Total:
    """Money of a currency, in minor units."""

    taken: int = 0
    refunded: int = 0
    disputed: int = 0

    @property
    def kept(self) -> int:
        """What the merchant keeps: taken less refunded, less what banks took back."""
        return self.taken - self.refunded - self.disputed


class Ledger:
    """`charges`, their `refunds` and `disputes`, and the `totals`. Threads may share it.

    `account` and `live` are what new charges say of themselves; `clock` dates them. `documents`
    are what a PSP keeps besides money.
    """

    def __init__(self, store: Store, *, account: str = "acct_sandbox", live: bool = False) -> None:
        self.store, self.account, self.live = store, account, live
        offset = store.row("SELECT value FROM facts WHERE name = 'clock_offset'")
        self.clock = Clock(offset["value"] if offset else 0.0)
        self.charges = Charges(store, self.clock, account, live=live)
        self.refunds = Refunds(store, self.clock)
        self.disputes = Disputes(store, self.clock)
        self.documents = Documents(store, self.clock)

    def advance(self, seconds: float) -> None:
        """Put the clock forward, and remember that for the next start."""
        offset = self.clock.advance(seconds)
        self.store.change("REPLACE INTO facts (name, value) VALUES ('clock_offset', ?)", offset)

    def totals(self) -> dict[str, Total]:
        """Return what was taken, refunded and disputed, by currency.

        A currency without charges is absent.
        """
        rows = self.store.rows(
            f"SELECT currency, SUM(amount) AS taken, SUM({REFUNDED}) AS refunded,"  # noqa: S608 (constants)
            f" SUM({DISPUTED}) AS disputed"
            " FROM charges WHERE status = ? GROUP BY currency ORDER BY currency",
            Status.SUCCEEDED,
        )
        return {
            row["currency"]: Total(row["taken"], row["refunded"], row["disputed"]) for row in rows
        }
