"""A payment to import: what is found about it, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any

from payments_ui import money
from payments_ui.core.db.json_safe import text
from payments_ui.core.verbs import JournalVerb

from .job import Job
from .lineitems import Existing, Owned, count_corrections, count_existing
from .psp_answer import PSPAnswer
from .report import Kind, Report, Tally
from .source import SourcePayment

# What a payment's e-mail address holds.
_LONGEST_EMAIL = 254


class Fate(Enum):
    """What becomes of a payment, and of those of its line items that the books do not have."""

    CHARGED = (Kind.CHARGED, Kind.BOUND)
    PENDING = (Kind.PENDING, Kind.BOUND)
    RELEASED = (Kind.CREDIT, Kind.RELEASED)
    GHOST = (Kind.GHOST, None)
    UNDONE = (Kind.UNDONE, None)
    NO_USER = (Kind.NO_USER, Kind.NO_USERS_ITEM)
    REBOUND = (Kind.REBOUND, Kind.REBOUND_ITEM)
    KNOWN = (Kind.PAYMENT, Kind.LATE)

    def __init__(self, payment: Kind, items: Kind | None) -> None:
        self.payment = payment
        self.items = items


@dataclass
class Plan:
    """A payment; its line items are counted one after the other."""

    source: SourcePayment
    job: Job
    #: The key of its user in the books, and whether such a user exists.
    user_id: Any
    has_user: bool
    #: What the journal of the books tells of it.
    known: frozenset[JournalVerb]
    #: What is put right with its line items, should they be imported.
    corrections: Report
    #: Its line items that the books have.
    existing: Report
    #: Its line items that they lack.
    fresh: Tally
    items: int = 0
    total: Decimal = Decimal(0)
    reference: str | None = None

    def count(self, owned: Owned, existing: Existing) -> None:
        """Count one more line item."""
        item = owned.item
        self.items += 1
        self.total += item.amount
        if existing.lacks(owned):
            count_corrections(owned, existing, self.corrections)
            self.fresh.add(Tally(1, item.amount, [str(item.pk)]), self.job.examples)
        else:
            count_existing(owned, existing, self.existing)

    @property
    def fate(self) -> Fate:
        """What becomes of it, once its line items are counted."""
        if self.known:
            return Fate.KNOWN
        if not self.has_user:
            return Fate.NO_USER
        if self.source.charged_at is None and not self.items:
            return Fate.UNDONE if self.was_asked else Fate.GHOST
        if self.source.charged_at is None and self.amount <= 0:
            return Fate.RELEASED
        if self.items != self.fresh.count:
            return Fate.REBOUND
        return Fate.CHARGED if self.source.charged_at else Fate.PENDING

    @property
    def is_imported(self) -> bool:
        """Whether the payment is written."""
        return self.fate in (Fate.CHARGED, Fate.PENDING)

    @property
    def has_imported_items(self) -> bool:
        """Whether its line items are written, bound or unbound."""
        return self.is_imported or self.fate is Fate.RELEASED

    @property
    def was_asked(self) -> bool:
        """Whether a moocher has written into the payment."""
        return bool(self.source.payment_service_provider or self.source.transaction)

    @property
    def amount(self) -> Decimal:
        """What was charged, or is owed, in units of the currency."""
        if self.source.charged_at:
            return money.round_amount(max(self.source.amount, Decimal(0)), self.job.currency)
        return money.round_amount(self.total, self.job.currency)

    @property
    def difference(self) -> Decimal:
        """What was charged minus the sum of the line items: a line item is added for it."""
        return self.amount - self.total if self.source.charged_at else Decimal(0)

    @property
    def needs_item(self) -> bool:
        """Whether a line item is added: for a difference, or as the only line item."""
        return self.is_imported and bool(self.difference or not self.items)

    @cached_property
    def answer(self) -> PSPAnswer:
        """What the PSP answered."""
        return PSPAnswer.of(self.source)

    @cached_property
    def transaction(self) -> str:
        """What the moocher kept, without card numbers and secrets."""
        return text(self.source.transaction)

    @property
    def email(self) -> str:
        """Where its receipt went; empty if it is too long to be stored."""
        return self.source.email if len(self.source.email) <= _LONGEST_EMAIL else ""
