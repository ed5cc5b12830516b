"""Rules of refunds: reserved first, then requested; what was given back stays so."""

from __future__ import annotations

from django.db.models import CheckConstraint, Q, UniqueConstraint

from payments_ui.core.refunds.states import OPEN_STATES, RELEASED_STATES, RefundState
from payments_ui.core.suspense.states import SuspenseKind
from payments_ui.exceptions import EvidenceError, InvalidAmountError, RefundOpenError

from .rule import ALWAYS, ATTEMPT, REFUND, SUSPENSE, Rule, TableRules, text
from .unique import UniqueWhereSet

# ruff: noqa: S608 - only our own tables' names and states go in
_OPEN = text(*OPEN_STATES)
_SUCCEEDED, _CAME_BACK = text(RefundState.SUCCEEDED), text(RefundState.CAME_BACK)
_RELEASED = text(*RELEASED_STATES)

_SOURCE = f"""
SELECT r.id, r.state, r.currency, exact(r.amount) AS amount, r.ended_at, r.signal_sent_at,
    r.payment_id, a.payment_id AS attempt_payment_id, a.received_currency,
    r.manual, r.requested_at, COALESCE(s.told, 0) AS told
FROM {REFUND} r LEFT JOIN {ATTEMPT} a ON a.id = r.attempt_id
LEFT JOIN (
    SELECT refund_id, COUNT(*) AS told FROM {SUSPENSE}
    WHERE kind = {text(SuspenseKind.OVERDUE)} AND refund_id IS NOT NULL GROUP BY refund_id
) s ON s.refund_id = r.id
"""

_OF_ATTEMPT = f"FROM {ATTEMPT} a WHERE a.id = NEW.attempt_id"
# Rounded, since SQLite adds floats.
_NOT_RESERVED = f"""NOT EXISTS (SELECT 1 {_OF_ATTEMPT}
    AND a.payment_id = NEW.payment_id AND a.received_currency = NEW.currency
    AND ROUND(a.refunded_amount, 3) >= (SELECT ROUND(COALESCE(SUM(r.amount), 0) + NEW.amount, 3)
        FROM {REFUND} r
        WHERE r.attempt_id = NEW.attempt_id AND r.state NOT IN ({_RELEASED})
        AND r.id <> NEW.id))"""

REFUNDS = TableRules(
    table=REFUND,
    source=_SOURCE,
    money=frozenset({"amount"}),
    locks={"INSERT": _OF_ATTEMPT, "UPDATE": _OF_ATTEMPT},
    rules=(
        Rule(
            name="refund_born",
            promise="A refund begins as requested, or as given back.",
            error=EvidenceError,
            refuse_insert="NEW.state NOT IN"
            f" ({text(RefundState.REQUESTED, RefundState.SUCCEEDED)})",
        ),
        Rule(
            name="refund_state",
            promise="A refund's state is a known one.",
            error=EvidenceError,
            constraint=CheckConstraint(
                condition=Q(state__in=[str(state) for state in RefundState]),
                name="payments_refund_known_state",
            ),
            never=f"{{row}}state NOT IN ({text(*RefundState)})",
            shows=("state",),
        ),
        Rule(
            name="refund_positive",
            promise="A refund gives back more than zero.",
            error=InvalidAmountError,
            constraint=CheckConstraint(condition=Q(amount__gt=0), name="payments_refund_positive"),
            never="{row}amount <= 0",
            shows=("amount", "currency"),
        ),
        Rule(
            name="refund_reserved",
            promise="A refund gives back what arrived with its attempt and is reserved there.",
            refuse_insert=_NOT_RESERVED,
            refuse_update=f"OLD.state IN ({_RELEASED}) AND NEW.state NOT IN ({_RELEASED})"
            f" AND {_NOT_RESERVED}",
        ),
        Rule(
            name="refund_payment",
            promise="A refund's attempt exists, and both belong to the same payment.",
            violated_where="attempt_payment_id IS NULL OR payment_id <> attempt_payment_id",
            shows=("payment_id", "attempt_payment_id"),
        ),
        Rule(
            name="refund_currency",
            promise="Money is given back in the currency in which it arrived.",
            violated_where="currency <> received_currency",
            shows=("currency", "received_currency"),
        ),
        Rule(
            name="refund_frozen",
            promise="What was asked to be given back stays as it is.",
            error=EvidenceError,
            refuse_update="{changed[id,payment_id,attempt_id,amount,currency]}"
            " OR {changed[idempotency_key,elsewhere,requested_at]}",
        ),
        Rule(
            name="refund_evidence",
            promise="What a PSP reported about a refund is not emptied.",
            error=EvidenceError,
            refuse_update="{changed[evidence]} AND NOT {changed[state]} AND {empty[evidence]}",
        ),
        Rule(
            name="refund_final",
            promise="A refund that ended stays ended; money given back may only come back.",
            error=EvidenceError,
            refuse_update=f"{{changed[state]}} AND OLD.state NOT IN ({_OPEN})"
            f" AND (OLD.state = {_SUCCEEDED} AND NEW.state <> {_CAME_BACK}"
            f" OR OLD.state = {_CAME_BACK}"
            f" OR OLD.state <> {_SUCCEEDED} AND NEW.state <> {_SUCCEEDED})",
        ),
        Rule(
            name="refund_ended",
            promise="A refund has an end if and only if its outcome is known.",
            violated_where=f"(state IN ({_OPEN}) AND ended_at IS NOT NULL)"
            f" OR (state NOT IN ({_OPEN}) AND ended_at IS NULL)",
            shows=("state", "ended_at"),
        ),
        Rule(
            name="refund_signal_sent",
            promise="The signal of a refund is sent, and the moment of that is kept.",
            error=EvidenceError,
            refuse_update="OLD.signal_sent_at IS NOT NULL AND NEW.signal_sent_at IS NULL"
            " AND NOT {changed[state]}",
            violated_where=f"state IN ({_SUCCEEDED}, {_CAME_BACK}) AND signal_sent_at IS NULL"
            " AND ended_at < %(overdue)s",
            shows=("state", "ended_at"),
        ),
        Rule(
            name="refund_kept",
            promise="A refund is never deleted.",
            error=EvidenceError,
            refuse_delete=ALWAYS,
        ),
        Rule(
            name="refund_overdue",
            promise="A refund that a PSP leaves open for ten days is in the suspense queue.",
            violated_where=f"state IN ({_OPEN}) AND NOT manual"
            " AND requested_at < %(overdue)s AND told = 0",
            shows=("state", "requested_at"),
        ),
        Rule(
            name="refund_one_open",
            promise="An attempt has at most one open refund of ours.",
            error=RefundOpenError,
            constraint=UniqueWhereSet(
                fields=("open_attempt",), name="payments_one_open_refund", key="open_attempt"
            ),
            unique=(f"CASE WHEN state IN ({_OPEN}) AND NOT elsewhere THEN attempt_id END",),
        ),
        Rule(
            name="refund_key_once",
            promise="Every refund has an idempotency key of its own.",
            error=EvidenceError,
            constraint=UniqueConstraint(fields=("idempotency_key",), name="payments_refund_key"),
        ),
        Rule(
            name="refund_reference_once",
            promise="A PSP's reference belongs to one refund of an attempt.",
            error=EvidenceError,
            constraint=UniqueConstraint(
                fields=("attempt", "psp_reference"), name="payments_refund_reference"
            ),
        ),
    ),
)
