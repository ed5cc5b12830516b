"""What is promised of money that a person has to look at, and of what a PSP or a bank reports."""

from __future__ import annotations

from payments_ui.core.models import Event, SuspenseItem

from .words import Rule, Scan

_SOURCE = """
SELECT s.id, s.kind, s.state, s.closed_at, s.closed_by, exact(s.amount) AS amount, s.currency,
    s.attempt_id, s.event_id, s.refund_id, s.payment_id, COALESCE(a.state, '') AS attempt_state,
    COALESCE(exact(a.received_amount), exact(e.amount)) AS received,
    COALESCE(a.received_currency, e.currency) AS received_currency
FROM {suspenseitem} s
LEFT JOIN {attempt} a ON a.id = s.attempt_id
LEFT JOIN {event} e ON e.id = s.event_id
"""

SUSPENSE = Scan(
    model=SuspenseItem,
    source=_SOURCE,
    money=frozenset({"amount", "received"}),
    rules=(
        Rule(
            "suspense_state",
            "What became of money to look at is a known state.",
            "state NOT IN ('open', 'matched', 'returned', 'closed')",
            ("state",),
        ),
        Rule(
            "suspense_about",
            "Surplus and mismatch are about an attempt in that state, unmatched is about an"
            " event, and overdue about an attempt or a refund.",
            "NOT (kind IN ('surplus', 'mismatch') AND attempt_state = kind"
            " OR kind = 'unmatched' AND event_id IS NOT NULL"
            " OR kind = 'overdue' AND (attempt_id IS NOT NULL OR refund_id IS NOT NULL))",
            ("kind", "attempt_state"),
        ),
        Rule(
            "suspense_money",
            "Money to look at is what arrived.",
            "kind <> 'overdue' AND (amount <> received OR currency <> received_currency)",
            ("kind", "amount", "received", "currency", "received_currency"),
        ),
        Rule(
            "suspense_closed",
            "What was matched, returned or closed says when and by whom, and nothing else does.",
            "(state = 'open' AND closed_at IS NOT NULL)"
            " OR (state <> 'open' AND (closed_at IS NULL OR closed_by = ''))",
            ("state", "closed_at"),
        ),
        Rule(
            "suspense_matched",
            "What was matched says with which payment.",
            "state = 'matched' AND payment_id IS NULL",
            ("kind", "amount", "currency"),
        ),
    ),
)

EVENTS = Scan(
    model=Event,
    source="""
SELECT e.id, e.state, e.attempt_id, exact(e.amount) AS amount, e.currency,
    COALESCE(s.told, 0) AS told
FROM {event} e LEFT JOIN (
    SELECT event_id, COUNT(*) AS told FROM {suspenseitem}
    WHERE kind = 'unmatched' AND event_id IS NOT NULL GROUP BY event_id
) s ON s.event_id = e.id
""",
    money=frozenset({"amount"}),
    rules=(
        Rule(
            "event_state",
            "An event's state is a known one.",
            "state NOT IN ('processed', 'unmatched')",
            ("state",),
        ),
        Rule(
            "event_suspense",
            "Of money that nobody knows a person was told.",
            "state = 'unmatched' AND amount IS NOT NULL AND told = 0",
            ("amount", "currency"),
        ),
    ),
)
