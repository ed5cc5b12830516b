"""What an audit is made of: rules, the statements that look for what breaks them, findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import models

Row = Mapping[str, Any]


def plain(value: Any) -> str:
    """A fact as findings show it: amounts without trailing zeros."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "-" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that breaks one rule. Never holds a name, an e-mail address or a title.

    ``kind`` says what ``id`` is the primary key of, as in "payment"; ``detail`` are the
    facts that contradict each other, as in "amount=10 total=9.99 currency=CHF".
    """

    rule: str
    kind: str
    id: str
    detail: str


def _always(row: Row) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """A promise, and the SQL condition on a scan's columns that is true where it is broken.

    ``shows`` are the columns that go into the finding. Where SQL cannot decide exactly it
    narrows down, and ``decide`` says of each row that is left whether it is broken.
    """

    name: str
    promise: str
    broken: str = ""
    shows: tuple[str, ...] = ()
    decide: Callable[[Row], bool] = _always


@dataclass(frozen=True, slots=True)
class Scan:
    """One SELECT, which reads each table once for all the rules about its rows.

    It gives a row an ``id``, the primary key of ``model``. ``exact(x)`` in it is a money
    column in units that every database adds and compares exactly; columns named in
    ``money`` are such; ``bytes(x)`` is a text that compares case by case. In braces are
    tables, as in ``{payment}``, the known ``{currencies}``, and ``{half}``: half of the minor
    unit of the column ``currency``. A ``%`` is written twice.
    """

    model: type[models.Model]
    source: str
    rules: tuple[Rule, ...]
    money: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """What its findings are about, as in "payment"."""
        return str(self.model._meta.model_name)
