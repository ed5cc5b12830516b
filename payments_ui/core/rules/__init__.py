"""The rules of the books, each written once: a file for each table, in the order of a payment."""

from __future__ import annotations

from django.db.models import BaseConstraint

from .arrivals import ARRIVALS
from .attempts import ATTEMPTS
from .disputes import DISPUTES
from .journal import JOURNAL_ENTRIES
from .lineitems import LINEITEMS
from .paymentmethods import CUSTOMERS, PAYMENT_METHODS
from .payments import PAYMENTS
from .refunds import REFUNDS
from .rule import PREFIX, Row, Rule, TableRules
from .suspense import EVENTS, SUSPENSE_ITEMS

#: In the order in which the auditor reads them.
BOOKS: tuple[TableRules, ...] = (
    PAYMENTS,
    ATTEMPTS,
    ARRIVALS,
    REFUNDS,
    DISPUTES,
    CUSTOMERS,
    PAYMENT_METHODS,
    SUSPENSE_ITEMS,
    EVENTS,
    JOURNAL_ENTRIES,
    LINEITEMS,
)
RULES: tuple[Rule, ...] = tuple(rule for table in BOOKS for rule in table.rules)


def constraints(table: TableRules) -> tuple[BaseConstraint, ...]:
    """Return the constraints of a table, for its model's ``Meta``."""
    return tuple(rule.constraint for rule in table.rules if rule.constraint is not None)


__all__ = [
    "ARRIVALS",
    "ATTEMPTS",
    "BOOKS",
    "CUSTOMERS",
    "DISPUTES",
    "EVENTS",
    "JOURNAL_ENTRIES",
    "LINEITEMS",
    "PAYMENTS",
    "PAYMENT_METHODS",
    "PREFIX",
    "REFUNDS",
    "RULES",
    "SUSPENSE_ITEMS",
    "Row",
    "Rule",
    "TableRules",
    "constraints",
]
