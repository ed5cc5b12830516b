"""One run of the import, and what it knows before it reads the first row."""

from __future__ import annotations

from dataclasses import dataclass

from .report import Report

#: Payments, and line items, that are read at a time. They bound the memory of a run.
PAYMENTS, ITEMS = 500, 2_000
#: Who wrote what is imported, in the journal, and why.
ACTOR = "command:import_user_payments"
REASON = "moved in from django-user-payments"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run. ``source`` and ``target`` are aliases of databases."""

    source: str
    target: str
    currency: str
    commit: bool
    #: How many ids of a kind the report keeps; ``None`` for all.
    examples: int | None
    #: Answers of a PSP that several charged payments share.
    shared_answers: frozenset[str]
    #: The account of the customers of Stripe.
    stripe_account: str
    #: Line items that were deleted from the books: the import does not bring them back.
    deleted: frozenset[int]

    def report(self) -> Report:
        """An empty report."""
        return Report(self.currency, self.examples)
