"""Rules of the suspense queue, and of what PSPs and banks reported."""

from __future__ import annotations

from django.db.models import CheckConstraint, Q, UniqueConstraint

from payments_ui.core.attempts.states import ARRIVED_STATES
from payments_ui.core.suspense.states import EventState, SuspenseKind, SuspenseState
from payments_ui.exceptions import EvidenceError

from .rule import ALWAYS, ARRIVAL, ATTEMPT, EVENT, SUSPENSE, Rule, TableRules, text

# ruff: noqa: S608 - only our own tables' names and states go in
_OPEN, _MATCHED = text(SuspenseState.OPEN), text(SuspenseState.MATCHED)
_SURPLUS, _MISMATCH = text(SuspenseKind.SURPLUS), text(SuspenseKind.MISMATCH)
_UNMATCHED, _OVERDUE = text(SuspenseKind.UNMATCHED), text(SuspenseKind.OVERDUE)

_ITEMS = f"""
SELECT s.id, s.kind, s.state, s.closed_at, s.closed_by, exact(s.amount) AS amount, s.currency,
    s.attempt_id, s.event_id, s.refund_id, s.payment_id, COALESCE(a.state, '') AS attempt_state,
    COALESCE(exact(a.received_amount), exact(e.amount)) AS received,
    COALESCE(a.received_currency, e.currency) AS received_currency
FROM {SUSPENSE} s
LEFT JOIN {ATTEMPT} a ON a.id = s.attempt_id
LEFT JOIN {EVENT} e ON e.id = s.event_id
"""

SUSPENSE_ITEMS = TableRules(
    table=SUSPENSE,
    source=_ITEMS,
    money=frozenset({"amount", "received"}),
    rules=(
        Rule(
            name="suspense_state",
            promise="A suspense item's state is a known one.",
            error=EvidenceError,
            never=f"{{row}}state NOT IN ({text(*SuspenseState)})",
            shows=("state",),
        ),
        Rule(
            name="suspense_closed",
            promise="What was matched, returned or closed says when, and by whom; no other does.",
            error=EvidenceError,
            constraint=CheckConstraint(
                condition=Q(state=SuspenseState.OPEN.value, closed_at__isnull=True)
                | Q(
                    state__in=[str(s) for s in SuspenseState if s is not SuspenseState.OPEN],
                    closed_at__isnull=False,
                ),
                name="payments_suspense_closed",
            ),
            never=f"{{row}}state = {_OPEN} AND {{row}}closed_at IS NOT NULL"
            f" OR {{row}}state <> {_OPEN} AND {{row}}closed_at IS NULL",
            violated_where=f"state <> {_OPEN} AND closed_by = ''",
            shows=("state", "closed_at"),
        ),
        Rule(
            name="suspense_frozen",
            promise="Money in the suspense queue stays what it is.",
            error=EvidenceError,
            refuse_update="{changed[id,kind,amount,currency,live,opened_at]}"
            " OR OLD.attempt_id IS NOT NULL AND {changed[attempt_id]}"
            " OR OLD.event_id IS NOT NULL AND {changed[event_id]}"
            " OR OLD.refund_id IS NOT NULL AND {changed[refund_id]}",
        ),
        Rule(
            name="suspense_decided",
            promise="What was decided about money stays decided.",
            error=EvidenceError,
            refuse_update=f"OLD.state <> {_OPEN}"
            " AND {changed[state,payment_id,closed_at,closed_by,reason]}",
        ),
        Rule(
            name="suspense_kept",
            promise="A suspense item is never deleted.",
            error=EvidenceError,
            refuse_delete=ALWAYS,
        ),
        Rule(
            name="suspense_about",
            promise="A suspense item names the attempt, event or refund that its kind is about.",
            violated_where=f"NOT (kind IN ({_SURPLUS}, {_MISMATCH}) AND attempt_state = kind"
            f" OR kind = {_UNMATCHED} AND event_id IS NOT NULL"
            f" OR kind = {_OVERDUE} AND (attempt_id IS NOT NULL OR refund_id IS NOT NULL))",
            shows=("kind", "attempt_state"),
        ),
        Rule(
            name="suspense_money",
            promise="Money in the suspense queue is what arrived.",
            violated_where=f"kind <> {_OVERDUE}"
            " AND (amount <> received OR currency <> received_currency)",
            shows=("kind", "amount", "received", "currency", "received_currency"),
        ),
        Rule(
            name="suspense_matched",
            promise="What was matched says with which payment.",
            violated_where=f"state = {_MATCHED} AND payment_id IS NULL",
            shows=("kind", "amount", "currency"),
        ),
        Rule(
            name="suspense_attempt_once",
            promise="An attempt is in the suspense queue once for the same reason.",
            error=EvidenceError,
            constraint=UniqueConstraint(
                fields=("kind", "attempt"), name="payments_suspense_attempt"
            ),
        ),
        Rule(
            name="suspense_event_once",
            promise="An event is in the suspense queue once for the same reason.",
            error=EvidenceError,
            constraint=UniqueConstraint(fields=("kind", "event"), name="payments_suspense_event"),
        ),
        Rule(
            name="suspense_refund_once",
            promise="A refund is in the suspense queue once for the same reason.",
            error=EvidenceError,
            constraint=UniqueConstraint(fields=("kind", "refund"), name="payments_suspense_refund"),
        ),
    ),
)

_EVENTS = f"""
SELECT e.id, e.state, e.attempt_id, e.psp_reference, exact(e.amount) AS amount, e.currency,
    COALESCE(s.told, 0) AS told, COALESCE(a.state, '') AS attempt_state, a.manual,
    COALESCE(x.booked, 0) AS booked
FROM {EVENT} e
LEFT JOIN {ATTEMPT} a ON a.id = e.attempt_id
LEFT JOIN (
    SELECT event_id, COUNT(*) AS told FROM {SUSPENSE}
    WHERE kind = {_UNMATCHED} AND event_id IS NOT NULL GROUP BY event_id
) s ON s.event_id = e.id
LEFT JOIN (
    SELECT event_id, SUM(exact(amount)) AS booked FROM {ARRIVAL}
    WHERE event_id IS NOT NULL AND suspense_item_id IS NULL GROUP BY event_id
) x ON x.event_id = e.id
"""

EVENTS = TableRules(
    table=EVENT,
    source=_EVENTS,
    money=frozenset({"amount", "booked"}),
    rules=(
        Rule(
            name="event_state",
            promise="An event's state is a known one.",
            error=EvidenceError,
            constraint=CheckConstraint(
                condition=Q(state__in=[str(state) for state in EventState]),
                name="payments_event_known_state",
            ),
            never=f"{{row}}state NOT IN ({text(*EventState)})",
            shows=("state",),
        ),
        Rule(
            name="event_processed",
            promise="A processed event names its attempt, unless it is about no charge.",
            error=EvidenceError,
            never=f"{{row}}state = {text(EventState.PROCESSED)} AND {{row}}attempt_id IS NULL"
            " AND ({row}psp_reference <> '' OR {row}amount IS NOT NULL)",
            shows=("state", "psp_reference"),
        ),
        Rule(
            name="event_money",
            promise="The money of a processed event arrived with its attempt, all of it.",
            violated_where=f"state = {text(EventState.PROCESSED)} AND amount IS NOT NULL"
            " AND attempt_id IS NOT NULL AND (manual AND booked <> amount"
            f" OR NOT manual AND attempt_state NOT IN ({text(*ARRIVED_STATES)}))",
            shows=("amount", "currency", "booked", "attempt_state"),
        ),
        Rule(
            name="event_frozen",
            promise="What a PSP or a bank reported stays as it is.",
            error=EvidenceError,
            refuse_update="{changed[id,moocher,account,event_id,received_at]}"
            " OR {changed[kind,about,warning,amount,currency,arrived_on]}"
            " OR {changed[payer]} AND NOT {anonymized[payer]}"
            " OR OLD.psp_reference <> '' AND {changed[psp_reference]}"
            " OR OLD.attempt_id IS NOT NULL AND {changed[attempt_id]}"
            f" OR OLD.state = {text(EventState.PROCESSED)} AND {{changed[state]}}",
        ),
        Rule(
            name="event_kept",
            promise="An event is never deleted.",
            error=EvidenceError,
            refuse_delete=ALWAYS,
        ),
        Rule(
            name="event_suspense",
            promise="Money that matches nothing known is in the suspense queue.",
            violated_where=f"state = {text(EventState.UNMATCHED)}"
            " AND amount IS NOT NULL AND told = 0",
            shows=("amount", "currency"),
        ),
        Rule(
            name="event_once",
            promise="What a PSP or a bank reports is stored once.",
            error=EvidenceError,
            constraint=UniqueConstraint(
                fields=("event_id", "moocher", "account"), name="payments_event_once"
            ),
        ),
    ),
)
