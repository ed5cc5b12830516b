"""What is promised of line items, bound or not."""

from __future__ import annotations

from payments_ui.core.models import LineItem

from .words import Rule, Scan

_BY_CURRENCY = """
SELECT MIN(id) AS id, MIN(currency) AS currency, COUNT(*) AS items
FROM {lineitem} GROUP BY bytes(currency)
"""
_LOST = """
SELECT l.id, l.payment_id FROM {lineitem} l LEFT JOIN {payment} p ON p.id = l.payment_id
WHERE l.payment_id IS NOT NULL AND p.id IS NULL
"""

LINEITEMS = (
    Scan(
        model=LineItem,
        source=_BY_CURRENCY,
        rules=(
            Rule(
                "lineitem_currency",
                "All line items are in known currencies; the first one that is not is named.",
                "bytes(currency) NOT IN ({currencies})",
                ("currency", "items"),
            ),
        ),
    ),
    Scan(
        model=LineItem,
        source=_LOST,
        rules=(
            Rule(
                "lineitem_payment",
                "The payment to which a line item is bound is there.",
                "payment_id IS NOT NULL",
                ("payment_id",),
            ),
        ),
    ),
)
