"""The auditor: reads the books and reports every row that breaks one of their rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from payments_ui.core import rules
from payments_ui.core.rules import Rule

from .finding import Finding
from .psp import PSP_RULES
from .reading import findings

#: What the auditor looks for in the books, in the order in which it reads them.
RULES: tuple[Rule, ...] = tuple(rule for rule in rules.RULES if rule.is_audited)


def audit(*, using: str = "default", only: Iterable[str] = ()) -> Iterator[Finding]:
    """Yield everything that breaks a rule, as it is found; nothing where the books are right.

    Reads the database ``using`` and writes nothing. Each table is read by one statement, so it
    sees one moment and is right on a site that is at work. ``only`` names the rules to look at,
    all if it is empty. Raises ``ValueError`` for a name that no rule has.
    """
    names = set(only) or {rule.name for rule in RULES}
    if unknown := sorted(names - {rule.name for rule in RULES}):
        raise ValueError(f"No rule is named {', '.join(unknown)}")
    return findings(names, using)


__all__ = ["PSP_RULES", "RULES", "Finding", "Rule", "audit"]
