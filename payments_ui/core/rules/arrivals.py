"""Rules of arrivals: each part of a transfer is a row that stays, and none is counted twice."""

from __future__ import annotations

from django.db.models import CheckConstraint, Q

from payments_ui.core.attempts.states import OPEN_STATES
from payments_ui.exceptions import EvidenceError, InvalidAmountError

from .rule import ALWAYS, ARRIVAL, ATTEMPT, EVENT, SUSPENSE, Rule, TableRules, text

# ruff: noqa: S608 - only our own tables' names and states go in
_SOURCE = f"""
SELECT x.id, exact(x.amount) AS amount, x.currency, a.manual, a.received_currency,
    e.currency AS event_currency, exact(e.amount) AS event_amount,
    COALESCE(t.told, 0) AS told, COALESCE(m.matched, 0) AS matched,
    s.currency AS item_currency, exact(s.amount) AS item_amount
FROM {ARRIVAL} x
LEFT JOIN {ATTEMPT} a ON a.id = x.attempt_id
LEFT JOIN {EVENT} e ON e.id = x.event_id
LEFT JOIN {SUSPENSE} s ON s.id = x.suspense_item_id
LEFT JOIN (
    SELECT event_id, SUM(exact(amount)) AS told FROM {ARRIVAL}
    WHERE event_id IS NOT NULL AND suspense_item_id IS NULL GROUP BY event_id
) t ON t.event_id = x.event_id
LEFT JOIN (
    SELECT suspense_item_id, SUM(exact(amount)) AS matched FROM {ARRIVAL}
    WHERE suspense_item_id IS NOT NULL GROUP BY suspense_item_id
) m ON m.suspense_item_id = x.suspense_item_id
"""

_OF_ATTEMPT = f"FROM {ATTEMPT} a WHERE a.id = NEW.attempt_id"
# Rounded, since SQLite adds floats. What is open, or had ended without money, takes more.
_NOT_TAKEN = f"""NOT EXISTS (SELECT 1 {_OF_ATTEMPT} AND a.manual
    AND a.received_currency IN ('', NEW.currency)
    AND (a.received_amount IS NULL OR a.state IN ({text(*OPEN_STATES)})
        OR ROUND(a.received_amount, 3) >= (
            SELECT ROUND(COALESCE(SUM(x.amount), 0) + NEW.amount, 3)
            FROM {ARRIVAL} x WHERE x.attempt_id = NEW.attempt_id)))"""

ARRIVALS = TableRules(
    table=ARRIVAL,
    source=_SOURCE,
    money=frozenset({"amount", "event_amount", "told", "item_amount", "matched"}),
    locks={"INSERT": _OF_ATTEMPT},
    rules=(
        Rule(
            name="arrival_positive",
            promise="What arrives is more than zero.",
            error=InvalidAmountError,
            constraint=CheckConstraint(condition=Q(amount__gt=0), name="payments_arrival_positive"),
            never="{row}amount <= 0",
            shows=("amount", "currency"),
        ),
        Rule(
            name="arrival_taken",
            promise="Money is added to an attempt that people book, and that takes it.",
            error=EvidenceError,
            refuse_insert=_NOT_TAKEN,
            violated_where="manual IS NULL OR NOT manual OR currency <> received_currency",
            shows=("amount", "currency", "received_currency"),
        ),
        Rule(
            name="arrival_reported",
            promise="What was reported as arrived is counted once.",
            violated_where="told > event_amount OR currency <> event_currency"
            " OR matched <> item_amount OR currency <> item_currency",
            shows=(
                *("amount", "told", "event_amount", "matched", "item_amount"),
                *("currency", "event_currency", "item_currency"),
            ),
        ),
        Rule(
            name="arrival_kept",
            promise="What arrived is never changed.",
            error=EvidenceError,
            refuse_update=ALWAYS,
            refuse_delete=ALWAYS,
        ),
    ),
)
