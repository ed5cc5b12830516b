"""What is promised of refunds."""

from __future__ import annotations

from payments_ui.core.models import Refund

from .words import Rule, Scan

_SOURCE = """
SELECT r.id, r.state, r.currency, exact(r.amount) AS amount, r.ended_at,
    r.payment_id, a.payment_id AS attempt_payment_id, a.received_currency,
    r.manual, r.requested_at, COALESCE(s.told, 0) AS told
FROM {refund} r LEFT JOIN {attempt} a ON a.id = r.attempt_id
LEFT JOIN (
    SELECT refund_id, COUNT(*) AS told FROM {suspenseitem}
    WHERE kind = 'overdue' AND refund_id IS NOT NULL GROUP BY refund_id
) s ON s.refund_id = r.id
"""

_OPEN = "state IN ('requested', 'pending', 'unknown')"

REFUNDS = Scan(
    model=Refund,
    source=_SOURCE,
    money=frozenset({"amount"}),
    rules=(
        Rule(
            "refund_state",
            "A refund's state is a known one.",
            f"NOT ({_OPEN} OR state IN ('succeeded', 'failed'))",
            ("state",),
        ),
        Rule(
            "refund_positive",
            "A refund gives back more than zero.",
            "amount <= 0",
            ("amount", "currency"),
        ),
        Rule(
            "refund_payment",
            "A refund's attempt is there, and both belong to the same payment.",
            "attempt_payment_id IS NULL OR payment_id <> attempt_payment_id",
            ("payment_id", "attempt_payment_id"),
        ),
        Rule(
            "refund_currency",
            "Money is given back in the currency in which it arrived.",
            "currency <> received_currency",
            ("currency", "received_currency"),
        ),
        Rule(
            "refund_ended",
            "A refund has an end if and only if its outcome is known.",
            f"({_OPEN} AND ended_at IS NOT NULL) OR (NOT {_OPEN} AND ended_at IS NULL)",
            ("state", "ended_at"),
        ),
        Rule(
            "refund_overdue",
            "Of a refund that a PSP leaves open for ten days a person was told.",
            f"{_OPEN} AND NOT manual AND requested_at < %(overdue)s AND told = 0",
            ("state", "requested_at"),
        ),
    ),
)
