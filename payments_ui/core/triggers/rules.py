"""All rules, the columns they watch, and what is locked before they are looked at."""

from __future__ import annotations

from collections.abc import Mapping

from .bills import LINEITEMS, PAYMENTS
from .proofs import ATTEMPTS, FACTS, REFUNDS
from .rule import ATTEMPT, DELETE, INSERT, LINEITEM, PAYMENT, REFUND, UPDATE, Rule

RULES: tuple[Rule, ...] = (*PAYMENTS, *LINEITEMS, *ATTEMPTS, *REFUNDS, *FACTS)

#: Of the frequent writes, which ones are looked at at all: locking a row, recording a use.
GUARDS: Mapping[tuple[str, str], str] = {
    (PAYMENT, UPDATE): "{changed[id,user_id,amount,currency,created_at,sealed_at]}"
    " OR {changed[charged_at,cancelled_at,undone_at]}",
    (LINEITEM, INSERT): "NEW.payment_id IS NOT NULL",
    (LINEITEM, UPDATE): "OLD.payment_id IS NOT NULL OR NEW.payment_id IS NOT NULL",
    (LINEITEM, DELETE): "OLD.payment_id IS NOT NULL",
}

#: What has to stand still while sums are compared, in a statement of its own before them.
LOCKS: Mapping[tuple[str, str], str] = {
    (REFUND, INSERT): f"FROM {ATTEMPT} a WHERE a.id = NEW.attempt_id",
    (REFUND, UPDATE): f"FROM {ATTEMPT} a WHERE a.id = NEW.attempt_id",
}


def by_event() -> dict[tuple[str, str], list[Rule]]:
    """The rules of each table and event, in their order."""
    found: dict[tuple[str, str], list[Rule]] = {}
    for rule in RULES:
        for event in rule.broken:
            found.setdefault((rule.table, event), []).append(rule)
    return found
