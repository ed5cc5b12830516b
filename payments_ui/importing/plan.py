"""A payment as it is there, what was found about it, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any

from payments_ui import money
from payments_ui.core.db.json_safe import text
from payments_ui.core.models import JournalEntry

from . import lineitems
from .lineitems import Here, Owned
from .move import Move
from .records import Record
from .report import Kind, Report, Tally
from .source import SourcePayment

Verb = JournalEntry.Verb
# What a payment's e-mail holds.
_LONGEST_EMAIL = 254


class Fate(Enum):
    """What becomes of a payment, and of those of its line items that are not here."""

    CHARGED = (Kind.CHARGED, Kind.BOUND)
    PENDING = (Kind.PENDING, Kind.BOUND)
    RELEASED = (Kind.CREDIT, Kind.RELEASED)
    GHOST = (Kind.GHOST, None)
    UNDONE = (Kind.UNDONE, None)
    NOBODY = (Kind.NOBODY, Kind.NOBODYS)
    REBOUND = (Kind.REBOUND, Kind.REBOUND_ITEM)
    KNOWN = (Kind.PAYMENT, Kind.LATE)

    def __init__(self, payment: Kind, items: Kind | None) -> None:
        self.payment = payment
        self.items = items


@dataclass
class Plan:
    """A payment, with its line items counted one after the other."""

    source: SourcePayment
    move: Move
    user_id: Any
    has_user: bool
    #: What the journal tells of it here.
    known: frozenset[Verb]
    #: What is put right with its line items, should they be copied.
    corrections: Report
    #: Line items that are here.
    here: Report
    #: Line items that are not.
    fresh: Tally
    items: int = 0
    total: Decimal = Decimal(0)
    reference: str | None = None

    @classmethod
    def begin(
        cls, source: SourcePayment, move: Move, users: set[Any], known: frozenset[Verb]
    ) -> Plan:
        """Before the first line item is counted. ``users`` are keys of those who exist."""
        user_id = lineitems.user_key(source.user)
        reports = (move.report(), move.report())
        return cls(source, move, user_id, user_id in users, known, *reports, Tally())

    def count(self, owned: Owned, here: Here) -> None:
        """One more line item."""
        item = owned.item
        self.items += 1
        self.total += item.amount
        if here.lacks(owned):
            lineitems.tell(owned, here, self.corrections)
            self.fresh.add(Tally(1, item.amount, [str(item.pk)]), self.move.examples)
        else:
            lineitems.tell_known(owned, here, self.here)

    @property
    def fate(self) -> Fate:
        """What becomes of it, once its line items are counted."""
        if self.known:
            return Fate.KNOWN
        if not self.has_user:
            return Fate.NOBODY
        if self.source.charged_at is None and not self.items:
            return Fate.UNDONE if self.was_asked else Fate.GHOST
        if self.source.charged_at is None and self.amount <= 0:
            return Fate.RELEASED
        if self.items != self.fresh.count:
            return Fate.REBOUND
        return Fate.CHARGED if self.source.charged_at else Fate.PENDING

    @property
    def is_copied(self) -> bool:
        """Whether a payment is written."""
        return self.fate in (Fate.CHARGED, Fate.PENDING)

    @property
    def is_written(self) -> bool:
        """Whether its line items are, bound or unbound."""
        return self.is_copied or self.fate is Fate.RELEASED

    @property
    def was_asked(self) -> bool:
        """Whether a moocher has left its traces."""
        return bool(self.source.payment_service_provider or self.source.transaction)

    @property
    def amount(self) -> Decimal:
        """What was charged, or is owed, in units of the currency."""
        if self.source.charged_at:
            return money.round_amount(max(self.source.amount, Decimal(0)), self.move.currency)
        return money.round_amount(self.total, self.move.currency)

    @property
    def difference(self) -> Decimal:
        """Between what was charged and the sum of its line items: one is added for it."""
        return self.amount - self.total if self.source.charged_at else Decimal(0)

    @property
    def needs_item(self) -> bool:
        """Whether a line item is added: for a difference, or since there is none."""
        return self.is_copied and bool(self.difference or not self.items)

    @cached_property
    def record(self) -> Record:
        """What the PSP has answered."""
        return Record.of(self.source)

    @cached_property
    def transaction(self) -> str:
        """What the moocher kept, without card numbers and secrets."""
        return text(self.source.transaction)

    @property
    def email(self) -> str:
        """Where its receipt went, if it can be stored."""
        return self.source.email if len(self.source.email) <= _LONGEST_EMAIL else ""
