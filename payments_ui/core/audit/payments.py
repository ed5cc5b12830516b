"""What is promised of payments: their line items, their attempts and their journal."""

from __future__ import annotations

from payments_ui import money
from payments_ui.core.models import Payment

from .words import Row, Rule, Scan

_SOURCE = """
SELECT p.id, p.currency, exact(p.amount) AS amount,
    p.sealed_at, p.charged_at, p.cancelled_at, p.undone_at,
    COALESCE(i.items, 0) AS items, i.total,
    COALESCE(i.strangers, 0) AS strangers, COALESCE(i.foreigners, 0) AS foreigners,
    COALESCE(a.opened, 0) AS opened, COALESCE(a.settled, 0) AS settled,
    a.settled_amount, a.settled_currency,
    COALESCE(j.created, 0) AS created, j.items AS journal_items, j.total AS journal_total,
    COALESCE(j.charged, 0) AS charged, COALESCE(j.cancelled, 0) AS cancelled,
    COALESCE(j.undone, 0) AS undone,
    COALESCE(r.refunds, 0) AS refunds, COALESCE(r.ended, 0) AS refunds_ended,
    COALESCE(j.requested, 0) AS requested, COALESCE(j.changed, 0) AS changed
FROM {payment} p
LEFT JOIN (
    SELECT l.payment_id, COUNT(*) AS items, SUM(l.amount) AS total,
        COUNT(CASE WHEN l.user_id <> o.user_id THEN 1 END) AS strangers,
        COUNT(CASE WHEN l.currency <> o.currency THEN 1 END) AS foreigners
    FROM {lineitem} l JOIN {payment} o ON o.id = l.payment_id
    GROUP BY l.payment_id
) i ON i.payment_id = p.id
LEFT JOIN (
    SELECT payment_id,
        COUNT(CASE WHEN state IN ('started', 'requires_action', 'processing', 'unknown')
            THEN 1 END) AS opened,
        COUNT(CASE WHEN state = 'settled' THEN 1 END) AS settled,
        MAX(CASE WHEN state = 'settled' THEN exact(amount) END) AS settled_amount,
        MAX(CASE WHEN state = 'settled' THEN currency END) AS settled_currency
    FROM {attempt} GROUP BY payment_id
) a ON a.payment_id = p.id
LEFT JOIN (
    SELECT payment_id,
        COUNT(CASE WHEN verb = 'payment_created' THEN 1 END) AS created,
        MAX(CASE WHEN verb = 'payment_created' THEN items END) AS items,
        MAX(CASE WHEN verb = 'payment_created' THEN total END) AS total,
        COUNT(CASE WHEN verb = 'payment_charged' THEN 1 END) AS charged,
        COUNT(CASE WHEN verb = 'payment_cancelled' THEN 1 END) AS cancelled,
        COUNT(CASE WHEN verb = 'payment_undone' THEN 1 END) AS undone,
        COUNT(CASE WHEN verb = 'refund_requested' THEN 1 END) AS requested,
        COUNT(CASE WHEN verb = 'refund_changed' THEN 1 END) AS changed
    FROM {journalentry} WHERE payment_id IS NOT NULL GROUP BY payment_id
) j ON j.payment_id = p.id
LEFT JOIN (
    SELECT payment_id, COUNT(*) AS refunds,
        COUNT(CASE WHEN state IN ('succeeded', 'failed') THEN 1 END) AS ended
    FROM {refund} GROUP BY payment_id
) r ON r.payment_id = p.id
"""

_GONE = "(cancelled_at IS NOT NULL OR undone_at IS NOT NULL)"
# Money came for it, whatever was undone in the books afterwards.
_WAS_CHARGED = "(charged_at IS NOT NULL OR undone_at IS NOT NULL)"


def _is_rounded_wrongly(row: Row, total: str = "total") -> bool:
    # An unknown currency breaks a rule of its own, and cannot be rounded.
    known = money.is_currency(row["currency"])
    return known and row["amount"] != money.round_amount(row[total], row["currency"])


def _is_journalled_wrongly(row: Row) -> bool:
    return _is_rounded_wrongly(row, "journal_total")


def _is_not_rounded(total: str) -> str:
    """Whether it may be wrong: ties, too, which SQL does not round half to even."""
    return f"(ABS(amount - {total}) >= {{half}} OR amount %% (2 * {{half}}) <> 0)"


def _unless_as_often_as(entries: str, fact: str) -> str:
    return f"{entries} <> CASE WHEN {fact} THEN 1 ELSE 0 END"


PAYMENTS = Scan(
    model=Payment,
    source=_SOURCE,
    money=frozenset({"amount", "total", "settled_amount", "journal_total"}),
    rules=(
        Rule(
            "payment_sealed",
            "A payment that can be seen is sealed: drafts never leave their transaction.",
            "sealed_at IS NULL",
            ("amount", "currency"),
        ),
        Rule(
            "payment_amount",
            "A payment's amount is the exact sum of its line items, rounded once, half to even.",
            f"sealed_at IS NOT NULL AND NOT {_GONE} AND {_is_not_rounded('total')}",
            ("amount", "total", "currency"),
            _is_rounded_wrongly,
        ),
        Rule(
            "payment_items",
            "A payment that is pending or charged has at least one line item.",
            f"items = 0 AND NOT {_GONE}",
            ("amount", "currency"),
        ),
        Rule(
            "payment_owner",
            "All line items of a payment are its user's own.",
            "strangers > 0",
            ("items", "strangers"),
        ),
        Rule(
            "payment_currency",
            "All line items of a payment are in its currency.",
            "foreigners > 0",
            ("currency", "items", "foreigners"),
        ),
        Rule(
            "payment_released",
            "A cancelled or undone payment has no line items: they are back in the pool.",
            f"items > 0 AND {_GONE}",
            ("items", "cancelled_at", "undone_at"),
        ),
        Rule(
            "payment_state",
            "A payment is charged, cancelled or undone, or none of it: never two at once.",
            "charged_at IS NOT NULL AND (cancelled_at IS NOT NULL OR undone_at IS NOT NULL)"
            " OR cancelled_at IS NOT NULL AND undone_at IS NOT NULL",
            ("charged_at", "cancelled_at", "undone_at"),
        ),
        Rule(
            "payment_not_negative",
            "No payment's amount is below zero.",
            "amount < 0",
            ("amount", "currency"),
        ),
        Rule(
            "payment_known_currency",
            "A payment's currency is a known one.",
            "bytes(currency) NOT IN ({currencies})",
            ("amount", "currency"),
        ),
        Rule(
            "payment_settled",
            "A payment has exactly one settled attempt if it is charged or was undone, else none.",
            _unless_as_often_as("settled", _WAS_CHARGED),
            ("settled", "charged_at", "undone_at"),
        ),
        Rule(
            "payment_settled_fits",
            "What settled a payment was asked for its amount, in its currency.",
            "settled = 1 AND (settled_amount <> amount OR settled_currency <> currency)",
            ("amount", "settled_amount", "currency", "settled_currency"),
        ),
        Rule(
            "payment_one_open_attempt",
            "A payment has at most one open attempt.",
            "opened > 1",
            ("opened",),
        ),
        Rule(
            "payment_gone_not_open",
            "A cancelled or undone payment has no open attempt.",
            f"opened > 0 AND {_GONE}",
            ("opened", "cancelled_at", "undone_at"),
        ),
        Rule(
            "journal_created",
            "The journal tells once how a payment was created.",
            "created <> 1",
            ("created",),
        ),
        Rule(
            "journal_total",
            "The journal's exact total and number are those of the payment's line items.",
            f"created = 1 AND (items <> journal_items OR total <> journal_total) AND NOT {_GONE}",
            ("items", "journal_items", "total", "journal_total", "currency"),
        ),
        Rule(
            "journal_amount",
            "A payment's amount, also of one that is gone, is the journal's total, rounded.",
            f"created = 1 AND sealed_at IS NOT NULL AND {_is_not_rounded('journal_total')}",
            ("amount", "journal_total", "currency"),
            _is_journalled_wrongly,
        ),
        Rule(
            "journal_charged",
            "The journal tells once of every charge, and of no other.",
            _unless_as_often_as("charged", _WAS_CHARGED),
            ("charged", "charged_at", "undone_at"),
        ),
        Rule(
            "journal_cancelled",
            "The journal tells once of every payment that was cancelled, and of no other.",
            _unless_as_often_as("cancelled", "cancelled_at IS NOT NULL"),
            ("cancelled", "cancelled_at"),
        ),
        Rule(
            "journal_undone",
            "The journal tells once of every payment that was undone, and of no other.",
            _unless_as_often_as("undone", "undone_at IS NOT NULL"),
            ("undone", "undone_at"),
        ),
        Rule(
            "journal_refunds",
            "The journal tells once of every refund that was requested, and how it ended.",
            "requested <> refunds OR changed < refunds_ended",
            ("refunds", "requested", "refunds_ended", "changed"),
        ),
    ),
)
