"""What the auditor and the comparison with a PSP report."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


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


def plain(value: object) -> str:
    """Return a fact as findings show it: amounts without trailing zeros."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "-" if value is None else str(value)
