"""What a rule of the books is, in the words from which each use of it is made.

A rule is written once. The models take its ``constraint``, ``triggers`` makes of it what the
database refuses, ``audit`` looks for what breaks it, and ``db.constraint_errors`` raises its
``error``. Rules know tables by name and states by their enumerations, and no model.

Their SQL is what all databases understand. What these say differently is a placeholder:

- ``{row}``, before a column: the row that is written, or read by the auditor;
- ``{changed[a,b]}``: the UPDATE gives one of these columns another value;
- ``{share}``: ends a SELECT that waits for writers of its rows and keeps others from writing them;
- ``{adds_up}``: ``NEW.amount`` is the sum of the payment's line items, rounded once, and all of
  them are its user's and in its currency;
- ``exact(x)``: an amount in units that the database adds and compares exactly (auditor);
- ``{currencies}``, ``{half}``, ``{one}``: the known codes, half of the minor unit of the column
  ``currency``, and 1 as amounts are stored (auditor).

The auditor's SQL is executed with parameters, so ``%`` is written twice there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BaseConstraint, UniqueConstraint

from payments_ui.exceptions import PaymentsUIError, RuleBrokenError

PAYMENT, LINEITEM = "payments_core_payment", "payments_core_lineitem"
ATTEMPT, REFUND = "payments_core_attempt", "payments_core_refund"
ARRIVAL = "payments_core_arrival"
DISPUTE = "payments_core_dispute"
EVENT, SUSPENSE = "payments_core_event", "payments_core_suspenseitem"
CUSTOMER, METHOD = "payments_core_customer", "payments_core_paymentmethod"
JOURNAL = "payments_core_journalentry"

#: Of every rule's name where a database says it.
PREFIX = "payments_rule_"
#: A condition that every row meets.
ALWAYS = "1 = 1"

_RELATIONS = frozenset({"user", "attempt", "event", "refund", "psp_customer"})
_COLUMN = re.compile(r"\{row\}(\w+)")

Row = Mapping[str, Any]


def _broken(row: Row) -> bool:
    return True


def text(*values: str) -> str:
    """The values as SQL: ``'started', 'processing'``."""
    return ", ".join(f"'{value!s}'" for value in values)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule:
    """One promise of the books, and everything that keeps it.

    Attributes:
        name: Unique among all rules.
        promise: One sentence of at most 80 characters; databases and the auditor say it.
        error: What is raised where the database refuses a write.
        constraint: The table's constraint that keeps the rule.
        never: When a row breaks the rule by itself. A trigger refuses to insert such a row, or to
            make it such by changing one of the columns named; the auditor looks for it.
        refuse_insert: When a trigger refuses an INSERT of ``NEW``.
        refuse_update: When a trigger refuses an UPDATE from ``OLD`` to ``NEW``.
        refuse_delete: When a trigger refuses a DELETE of ``OLD``.
        violated_where: Which rows of ``source`` break the rule, for the auditor.
        source: A SELECT of the rule's own, where its table's would read too much.
        shows: Columns of the source that a finding names.
        decide: Where SQL only narrows down, whether a row that it found breaks the rule.
        unique: What exists once, in SQL, where the constraint is about generated columns, which
            the auditor does not trust.
    """

    name: str
    promise: str
    error: type[PaymentsUIError] = RuleBrokenError
    constraint: BaseConstraint | None = None
    never: str = ""
    refuse_insert: str = ""
    refuse_update: str = ""
    refuse_delete: str = ""
    violated_where: str = ""
    source: str = ""
    shows: tuple[str, ...] = ()
    decide: Callable[[Row], bool] = _broken
    unique: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of a UNIQUE constraint; empty for any other rule."""
        unique = self.constraint
        fields = unique.fields if isinstance(unique, UniqueConstraint) else ()
        return tuple(f"{name}_id" if name in _RELATIONS else name for name in fields)

    @property
    def refusal(self) -> str:
        """What the database says; MySQL's messages have at most 128 characters."""
        return f"{PREFIX}{self.name}: {self.promise}"

    def refused(self, event: str) -> str:
        """When a trigger refuses this event (``INSERT``, ``UPDATE`` or ``DELETE``), or ""."""
        if event == "DELETE":
            return self.refuse_delete
        given = self.refuse_insert if event == "INSERT" else self.refuse_update
        if not self.never:
            return given
        columns = ",".join(dict.fromkeys(_COLUMN.findall(self.never)))
        never = f"({self.never})"
        if event == "UPDATE":
            never = f"{{changed[{columns}]}} AND {never}"
        return f"({given}) OR {never}" if given else never

    @property
    def is_audited(self) -> bool:
        """Whether the auditor looks for rows that break it."""
        return bool(self.never or self.violated_where or self.columns)


@dataclass(frozen=True, kw_only=True, eq=False)
class TableRules:
    """The rules of one table, and the SELECT by which the auditor reads it.

    Attributes:
        table: The table's name.
        rules: Triggers look at them in this order; the first that is broken is named.
        source: Gives each row an ``id``, its primary key, and the columns that rules compare.
        money: The columns of ``source`` that are ``exact`` amounts.
        watched: Of frequent writes, by event, which ones triggers look at at all: locking a row
            and recording a use cost nothing.
        locks: By event, the FROM and WHERE of rows that stand still while sums are compared.
    """

    table: str
    rules: tuple[Rule, ...]
    source: str = ""
    money: frozenset[str] = frozenset()
    watched: Mapping[str, str] = field(default_factory=dict)
    locks: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What a row is, as in "payment"."""
        return self.table.rpartition("_")[2]
