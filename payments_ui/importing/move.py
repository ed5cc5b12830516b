"""From where to where, in which currency, and what is known before the first row is read."""

from __future__ import annotations

from dataclasses import dataclass

from payments_ui.core.models import JournalEntry

from . import records
from .report import Report

#: Payments, and line items, that are read at a time. Memory depends on nothing else.
PAYMENTS, ITEMS = 500, 2_000
#: Who did it, in the journal, and why.
ACTOR = "command:import_user_payments"
REASON = "moved in from django-user-payments"


@dataclass(frozen=True)
class Move:
    """One run. ``source`` and ``target`` are aliases of databases."""

    source: str
    target: str
    currency: str
    commit: bool
    examples: int | None
    #: Answers of a PSP that are kept with more than one charged payment.
    repeated: frozenset[str]
    #: Line items that were deleted here: they are not to come back.
    deleted: frozenset[int]

    def report(self) -> Report:
        """An empty report."""
        return Report(self.currency, self.examples)


def prepare(*, source: str, target: str, currency: str, commit: bool, examples: int | None) -> Move:
    """Look up what all batches need to know."""
    gone = JournalEntry.objects.using(target).filter(verb=JournalEntry.Verb.LINEITEM_DELETED)
    deleted = frozenset(filter(None, gone.order_by().values_list("lineitem_id", flat=True)))
    repeated = records.repeated(source)
    return Move(source, target, currency, commit, examples, repeated, deleted)
