"""What happens to each row of the old tables: counted by kind, with examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from payments_ui import money


class Section(Enum):
    """What the kinds of rows have in common; the value is what people read."""

    COPIED = "Copied"
    CORRECTED = "Corrected while copying"
    REVIEW = "Copied, please review"
    LEFT = "Not copied"
    KNOWN = "Copied before, left unchanged"


class Kind(Enum):
    """One line of the report. Every row is counted as copied, as not copied, or as known."""

    CHARGED = (Section.COPIED, "charged payments")
    PENDING = (Section.COPIED, "pending payments")
    BOUND = (Section.COPIED, "line items of these payments")
    UNBOUND = (Section.COPIED, "line items that belong to no payment")
    CUSTOMER = (Section.COPIED, "customers of Stripe")

    DIFFERENCE = (
        Section.CORRECTED,
        "charged payments that differ from the sum of their line items: a line item is added",
    )
    BELOW_ZERO = (
        Section.CORRECTED,
        "charged payments of less than zero: copied as zero, a line item is added",
    )
    REPRICED = (
        Section.CORRECTED,
        "pending payments that differ from the sum of their line items: they ask for the sum",
    )
    RELEASED = (
        Section.CORRECTED,
        "line items of pending payments of zero or less: unbound, they count with the next payment",
    )
    OTHER_USER = (
        Section.CORRECTED,
        "line items of another user than their payment: now of the payment's user",
    )
    UNTITLED = (Section.CORRECTED, "line items without a title: they get a title")
    TITLE_CUT = (Section.CORRECTED, "line items with more than 200 characters of title: cut")
    RENUMBERED = (Section.CORRECTED, "line items whose id is taken: they get another id")
    NO_EMAIL = (Section.CORRECTED, "payments without a usable e-mail address: copied without")
    SHARED = (
        Section.CORRECTED,
        "charged payments that share a PSP's reference: copied without it",
    )
    SCRUBBED = (
        Section.CORRECTED,
        "payments whose record holds a card number or a secret: copied without it",
    )

    EMPTY = (
        Section.REVIEW,
        "charged payments without line items, maybe paid twice: a line item is added",
    )
    DECLINED = (Section.REVIEW, "charged payments whose PSP's answer says that it declined")
    ASKED = (Section.REVIEW, "pending payments that a PSP was asked about: money may still come")

    GHOST = (Section.LEFT, "pending payments without line items")
    UNDONE = (
        Section.LEFT,
        "pending payments without line items that a PSP was asked about: undone, or given up",
    )
    CREDIT = (Section.LEFT, "pending payments of zero or less")
    NO_USER = (Section.LEFT, "payments of users who do not exist")
    NO_USERS_ITEM = (Section.LEFT, "line items of users who do not exist, or of their payments")
    ORPHAN = (Section.LEFT, "line items of payments that do not exist")
    REBOUND = (
        Section.LEFT,
        "payments with line items that were copied before without them: decide by hand",
    )
    REBOUND_ITEM = (Section.LEFT, "other line items of these payments")
    LATE = (
        Section.LEFT,
        "line items added to payments that were copied before: record them by hand",
    )
    NO_USERS_CUSTOMER = (Section.LEFT, "customers of Stripe of users who do not exist")
    OTHER_CUSTOMER = (
        Section.LEFT,
        "customers of Stripe that have another user here, or whose user has another one",
    )

    PAYMENT = (Section.KNOWN, "payments")
    CHANGED = (Section.KNOWN, "of these, charged in the old tables since: decide by hand")
    ITEM = (Section.KNOWN, "line items")
    REPRICED_ITEM = (
        Section.KNOWN,
        "of these, with another amount in the old tables: decide by hand",
    )
    CUSTOMER_KNOWN = (Section.KNOWN, "customers of Stripe")
    DELETED = (Section.KNOWN, "line items that were deleted from the books since")

    def __init__(self, section: Section, text: str) -> None:
        self.section = section
        self.text = text


# Nothing to look up: their ids are not listed.
_WITHOUT_IDS = {kind for kind in Kind if kind.section is Section.COPIED}
_WITHOUT_IDS |= {Kind.PAYMENT, Kind.ITEM, Kind.CUSTOMER_KNOWN}


@dataclass(slots=True)
class Tally:
    """How many rows of a kind, the sum of their amounts, and the ids of the first."""

    count: int = 0
    total: Decimal | None = None
    examples: list[str] = field(default_factory=list)

    def add(self, other: Tally, examples: int | None) -> None:
        """Add another tally; keep at most ``examples`` ids, all for ``None``."""
        self.count += other.count
        if other.total is not None:
            self.total = (self.total or Decimal(0)) + other.total
        self.examples = [*self.examples, *other.examples][:examples]


class Report:
    """Tallies by kind. ``examples`` is how many ids of a kind are kept; ``None`` for all."""

    def __init__(self, currency: str, examples: int | None = 5) -> None:
        self.currency = currency
        self.examples = examples
        self.tallies: dict[Kind, Tally] = {}
        #: Tables and columns of which nothing is copied.
        self.left_out: list[str] = []

    def add(self, kind: Kind, example: object = None, amount: Decimal | None = None) -> None:
        """Count one row of this kind; ``amount`` is in units of the currency."""
        self.add_tally(kind, Tally(1, amount, [] if example is None else [str(example)]))

    def add_tally(self, kind: Kind, tally: Tally) -> None:
        """Count rows of this kind."""
        examples = 0 if kind in _WITHOUT_IDS else self.examples
        self.tallies.setdefault(kind, Tally()).add(tally, examples)

    def merge(self, other: Report) -> None:
        """Add what another report has counted."""
        for kind, tally in other.tallies.items():
            self.add_tally(kind, tally)

    def count(self, kind: Kind) -> int:
        """Number of rows of this kind."""
        return self.tallies[kind].count if kind in self.tallies else 0

    def lines(self) -> Iterator[str]:
        """The report for people, section by section."""
        for section in Section:
            kinds = [kind for kind in Kind if kind.section is section and self.count(kind)]
            if kinds:
                yield section.value
                yield from (f"  {self._line(kind)}" for kind in kinds)
        if self.left_out:
            yield f"Not read: {', '.join(self.left_out)}"

    def _line(self, kind: Kind) -> str:
        tally = self.tallies[kind]
        amount = money.format_amount(tally.total, self.currency) if tally.total is not None else ""
        more = ["…"] if tally.count > len(tally.examples) else []
        ids = f"({', '.join([*tally.examples, *more])})" if tally.examples else ""
        text = ", ".join(filter(None, [kind.text, amount]))
        return " ".join(filter(None, [f"{tally.count:>7,}", text, ids]))
