"""Rules made SQL: what the triggers of all databases have in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from payments_ui.core.rules import BOOKS, Rule, TableRules

EVENTS = ("INSERT", "UPDATE", "DELETE")
#: In a trigger's source, where its version is written: a word, so that it can be a label.
VERSION = "payments_ui_version"


_TOKENS = re.compile(r"'(?:[^']|'')*'|[()]|\b(?:CASE|END|AND|OR)\b")
_OPENING, _CLOSING = ("(", "CASE"), (")", "END")


class Trigger(NamedTuple):
    """A trigger: its name, its event, what makes it, what drops it, and its version."""

    name: str
    event: str
    create: Sequence[str]
    drop: Sequence[str]
    version: str


class _Columns:
    """``{changed[a,b]}``: the same condition on each of these columns, one of which has to hold."""

    def __init__(self, condition: str) -> None:
        self._condition = condition

    def __getitem__(self, columns: str) -> str:
        pairs = (self._condition.format(column) for column in columns.split(","))
        return f"({' OR '.join(pairs)})"


@dataclass(frozen=True)
class Dialect:
    """How one database says what rules need: the placeholders of ``rules.rule``."""

    changed: str
    empty: str
    anonymized: str
    share: str
    adds_up: str

    def sql(self, condition: str) -> str:
        """Return the condition in this database's words."""
        return condition.format(
            row="NEW.",
            changed=_Columns(self.changed),
            empty=_Columns(self.empty),
            anonymized=_Columns(self.anonymized),
            share=self.share,
            adds_up=self.adds_up,
        )

    def refusals(self, rules: Sequence[Rule], event: str) -> list[tuple[str, Rule]]:
        """Return when to refuse, and by which rule."""
        return [(self.sql(rule.refused(event)), rule) for rule in rules if rule.refused(event)]


def guarded(condition: str) -> Iterator[tuple[str, str]]:
    """Yield pairs, of which one holds where the condition does: a guard, and what is asked then.

    A database that runs a query wherever a condition has one is asked only where the guard, which
    has none, holds. Either of the two may be empty.
    """
    for either in _split(condition, "OR"):
        terms = _split(either, "AND")
        plain = next((at for at, term in enumerate(terms) if "SELECT" in term), len(terms))
        yield " AND ".join(terms[:plain]), " AND ".join(terms[plain:])


def _split(condition: str, word: str) -> list[str]:
    """The condition's terms between this word, where it is in no parentheses, CASE or text."""
    depth, begin, terms = 0, 0, []
    for found in _TOKENS.finditer(condition):
        token = found[0]
        depth += (token in _OPENING) - (token in _CLOSING)
        if token == word and not depth:
            terms.append(condition[begin : found.start()].strip())
            begin = found.end()
    return [*terms, condition[begin:].strip()]


def by_event() -> Iterator[tuple[TableRules, str, list[Rule]]]:
    """Yield each table and event that some rule refuses, with these rules in their order."""
    for table in BOOKS:
        for event in EVENTS:
            if rules := [rule for rule in table.rules if rule.refused(event)]:
                yield table, event, rules


def name_of(table: TableRules, event: str) -> str:
    """Return the trigger's name."""
    return f"payments_trigger_{table.kind}_{event.lower()}"


def message(rule: Rule) -> str:
    """Return what the database says, for use within quotes in SQL."""
    return rule.refusal.replace("'", "''")


def versioned(name: str, event: str, create: Sequence[str], drop: Sequence[str]) -> Trigger:
    """Return the trigger, whose version is a digest of its source."""
    digest = hashlib.sha256("".join(create).encode()).hexdigest()[:16]
    version = f"payments_ui_{digest}"
    made = tuple(statement.replace(VERSION, version) for statement in create)
    return Trigger(name, event, (*drop, *made), drop, version)
