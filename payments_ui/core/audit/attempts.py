"""What is promised of attempts: what arrived, what is given back, and who has to look."""

from __future__ import annotations

from payments_ui.core.models import Attempt

from .words import Rule, Scan

_SOURCE = """
SELECT a.id, a.state, a.currency, exact(a.amount) AS amount, a.manual, a.started_at, a.ended_at,
    exact(a.received_amount) AS received, a.received_currency,
    exact(a.refunded_amount) AS refunded, p.currency AS payment_currency,
    a.payment_id, CASE WHEN p.id IS NULL THEN 1 ELSE 0 END AS lost,
    COALESCE(r.reserved, 0) AS reserved, COALESCE(r.opened, 0) AS refunds_open,
    COALESCE(s.surplus, 0) AS told_surplus, COALESCE(s.mismatch, 0) AS told_mismatch,
    COALESCE(s.overdue, 0) AS told_overdue
FROM {attempt} a
LEFT JOIN {payment} p ON p.id = a.payment_id
LEFT JOIN (
    SELECT attempt_id,
        SUM(CASE WHEN state <> 'failed' THEN exact(amount) ELSE 0 END) AS reserved,
        COUNT(CASE WHEN state IN ('requested', 'pending', 'unknown') THEN 1 END) AS opened
    FROM {refund} GROUP BY attempt_id
) r ON r.attempt_id = a.id
LEFT JOIN (
    SELECT attempt_id,
        COUNT(CASE WHEN kind = 'surplus' THEN 1 END) AS surplus,
        COUNT(CASE WHEN kind = 'mismatch' THEN 1 END) AS mismatch,
        COUNT(CASE WHEN kind = 'overdue' THEN 1 END) AS overdue
    FROM {suspenseitem} WHERE attempt_id IS NOT NULL GROUP BY attempt_id
) s ON s.attempt_id = a.id
"""

_OPEN = "state IN ('started', 'requires_action', 'processing', 'unknown')"
_ARRIVED = "state IN ('settled', 'surplus', 'mismatch')"
_NOTHING = "state IN ('failed', 'cancelled')"

ATTEMPTS = Scan(
    model=Attempt,
    source=_SOURCE,
    money=frozenset({"amount", "received", "refunded", "reserved"}),
    rules=(
        Rule(
            "attempt_state",
            "An attempt's state is a known one.",
            f"NOT ({_OPEN} OR {_ARRIVED} OR {_NOTHING})",
            ("state",),
        ),
        Rule(
            "attempt_payment",
            "An attempt's payment is there.",
            "lost = 1",
            ("payment_id",),
        ),
        Rule(
            "attempt_not_negative",
            "No attempt asks for less than zero.",
            "amount < 0",
            ("amount", "currency"),
        ),
        Rule(
            "attempt_currency",
            "An attempt asks in the currency of its payment.",
            "currency <> payment_currency",
            ("currency", "payment_currency"),
        ),
        Rule(
            "attempt_ended",
            "An attempt has an end if and only if its outcome is known.",
            f"({_OPEN} AND ended_at IS NOT NULL) OR (NOT {_OPEN} AND ended_at IS NULL)",
            ("state", "ended_at"),
        ),
        Rule(
            "attempt_received",
            "Settled, surplus and mismatch attempts say what arrived; at others nothing did.",
            f"({_ARRIVED} AND (received IS NULL OR received_currency = ''))"
            f" OR (NOT {_ARRIVED} AND (received IS NOT NULL OR received_currency <> ''))",
            ("state", "received", "received_currency"),
        ),
        Rule(
            "attempt_settled",
            "At a settled attempt exactly what was asked for has arrived.",
            "state = 'settled' AND (received <> amount OR received_currency <> currency)",
            ("amount", "received", "currency", "received_currency"),
        ),
        Rule(
            "attempt_refunded",
            "What stands as refunded on an attempt is the sum of its refunds that did not fail.",
            "refunded <> reserved",
            ("refunded", "reserved", "received_currency"),
        ),
        Rule(
            "attempt_refunded_most",
            "Never more is given back than what arrived.",
            "refunded < 0 OR refunded > COALESCE(received, 0) OR reserved > COALESCE(received, 0)",
            ("received", "refunded", "reserved", "received_currency"),
        ),
        Rule(
            "attempt_one_open_refund",
            "An attempt has at most one open refund.",
            "refunds_open > 1",
            ("refunds_open",),
        ),
        Rule(
            "attempt_suspense",
            "Of money that is surplus or a mismatch a person was told.",
            "state = 'surplus' AND told_surplus = 0 OR state = 'mismatch' AND told_mismatch = 0",
            ("state", "received", "received_currency"),
        ),
        Rule(
            "attempt_overdue",
            "Of an attempt that a PSP leaves open for ten days a person was told.",
            # One that waits for its customer is not the PSP's to answer; it expires.
            f"{_OPEN} AND state <> 'requires_action' AND NOT manual"
            " AND started_at < %(overdue)s AND told_overdue = 0",
            ("state", "started_at"),
        ),
    ),
)
