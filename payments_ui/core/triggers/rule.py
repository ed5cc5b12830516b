"""What a rule is: a name, a sentence, when a write breaks it, and the error that says so.

``broken`` is by event (``INSERT``, ``UPDATE``, ``DELETE``) the condition on the row's ``OLD`` and
``NEW`` values under which the write is refused, in SQL that every database understands. What they
say differently are placeholders: ``{changed[a,b]}`` is whether one of these columns gets another
value, ``{share}`` ends a SELECT that waits for writers of its rows and keeps others from writing
them, and ``{adds_up}`` is whether ``NEW.amount`` is the exact sum of the payment's line items,
rounded once, and all of them are of its user and in its currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from payments_ui.core.models import (
    Attempt,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    Refund,
    SuspenseItem,
)
from payments_ui.exceptions import PaymentsUIError

PAYMENT, LINEITEM = Payment._meta.db_table, LineItem._meta.db_table
ATTEMPT, REFUND = Attempt._meta.db_table, Refund._meta.db_table
EVENT, SUSPENSE = Event._meta.db_table, SuspenseItem._meta.db_table
JOURNAL = JournalEntry._meta.db_table

INSERT, UPDATE, DELETE = "INSERT", "UPDATE", "DELETE"
#: Of every name that a refusal can carry.
PREFIX = "payments_seal_"


class Rule(NamedTuple):
    """One thing that the database refuses."""

    name: str
    table: str
    sentence: str
    error: type[PaymentsUIError]
    broken: Mapping[str, str]

    @property
    def refusal(self) -> str:
        """What the database's message says. MySQL allows 128 characters."""
        return f"{PREFIX}{self.name}: {self.sentence}"
