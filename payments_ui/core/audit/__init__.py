"""The auditor: reads the books, and tells of everything in them that was promised otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from . import reading
from .attempts import ATTEMPTS
from .journal import JOURNAL
from .lineitems import LINEITEMS
from .payments import PAYMENTS
from .refunds import REFUNDS
from .suspense import EVENTS, SUSPENSE
from .uniques import UNIQUES
from .words import Finding, Rule, Scan

#: In the order in which they are read.
SCANS: tuple[Scan, ...] = (
    *(PAYMENTS, ATTEMPTS, REFUNDS, SUSPENSE, EVENTS, JOURNAL),
    *(*LINEITEMS, *UNIQUES),
)
RULES: tuple[Rule, ...] = tuple(chain.from_iterable(scan.rules for scan in SCANS))


def audit(*, using: str = "default", only: Iterable[str] = ()) -> Iterator[Finding]:
    """Everything that breaks a rule, as it is found; nothing where the books are right.

    Reads the database ``using`` and writes nothing. Each scan is one statement, so it sees
    one moment and is right on a site that is at work. ``only`` names the rules to look at,
    all if it is empty; raises ``ValueError`` for a name that no rule has.
    """
    names = set(only) or {rule.name for rule in RULES}
    if unknown := sorted(names - {rule.name for rule in RULES}):
        raise ValueError(f"No rule is named {', '.join(unknown)}")
    return _audit(names, using)


def _audit(names: set[str], using: str) -> Iterator[Finding]:
    for scan in SCANS:
        if rules := [rule for rule in scan.rules if rule.name in names]:
            yield from reading.findings(scan, rules, using)


__all__ = ["RULES", "SCANS", "Finding", "Rule", "Scan", "audit"]
