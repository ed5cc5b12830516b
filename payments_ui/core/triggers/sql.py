"""What the seals of all databases have in common: their names, and rules made SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from babel.numbers import list_currencies

from payments_ui import money

from .rule import PREFIX, Rule
from .rules import GUARDS

#: Where a statement says which version of itself it is.
STAMP = "/* payments_ui */"


class Seal(NamedTuple):
    """A trigger: its name, its event, what makes it, what takes it away, and its version."""

    name: str
    event: str
    create: Sequence[str]
    drop: Sequence[str]
    stamp: str


@dataclass(frozen=True)
class Dialect:
    """How one database says what rules need, see ``rule``."""

    differs: str
    share: str
    adds_up: str

    def __getitem__(self, columns: str) -> str:
        """``{changed[a,b]}``."""
        pairs = (self.differs.format(column) for column in columns.split(","))
        return f"({' OR '.join(pairs)})"

    def say(self, condition: str) -> str:
        """The condition in this database's words."""
        return condition.format(changed=self, share=self.share, adds_up=self.adds_up)

    def guard(self, table: str, event: str) -> str:
        """Which of these writes are looked at."""
        return self.say(GUARDS.get((table, event), "1 = 1"))

    def refusals(self, rules: Iterable[Rule], event: str) -> list[tuple[str, str]]:
        """When to refuse, and what to say then."""
        return [(self.say(rule.broken[event]), rule.refusal) for rule in rules]


def seal_name(table: str, event: str) -> str:
    """The trigger's name."""
    return f"{PREFIX}{table.rpartition('_')[2]}_{event.lower()}"


def stamped(name: str, event: str, create: Sequence[str], drop: Sequence[str]) -> Seal:
    """The seal; ``create`` holds ``STAMP`` where the database keeps comments."""
    digest = hashlib.sha256("".join(create).encode()).hexdigest()[:16]
    stamp = f"/* payments_ui {digest} */"
    statements = tuple(statement.replace(STAMP, stamp) for statement in create)
    return Seal(name, event, (*drop, *statements), drop, stamp)


@cache
def minor_units(one: str, thousandth: str, hundredth: str) -> str:
    """The choice between these by ``NEW.currency``: its number of decimals is 0, 3 or 2."""
    known = sorted(filter(money.is_currency, list_currencies()))
    listed = {
        digits: ", ".join(f"'{code}'" for code in known if money.minor_unit(code) == digits)
        for digits in (0, 3)
    }
    return (
        f"CASE WHEN NEW.currency IN ({listed[0]}) THEN {one}"
        f" WHEN NEW.currency IN ({listed[3]}) THEN {thousandth} ELSE {hundredth} END"
    )
