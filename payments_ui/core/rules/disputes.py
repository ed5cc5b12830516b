"""Rules of disputes: what a PSP reported of them stays, and each is heard of."""

from __future__ import annotations

from django.db.models import CheckConstraint, Q, UniqueConstraint

from payments_ui.core.disputes.states import OPEN_STATES, DisputeState
from payments_ui.core.verbs import JournalVerb
from payments_ui.exceptions import EvidenceError, InvalidAmountError

from .rule import ALWAYS, ATTEMPT, DISPUTE, JOURNAL, Rule, TableRules, text

# ruff: noqa: S608 - only our own tables' names and states go in
_OPEN, _LOST = text(*OPEN_STATES), text(DisputeState.LOST)

_SOURCE = f"""
SELECT d.id, d.attempt_id, d.state, d.currency, exact(d.amount) AS amount,
    exact(d.withdrawn) AS withdrawn, exact(d.reinstated) AS reinstated,
    d.recorded_at, d.updated_at, d.closed_at, d.reopened_at,
    d.opened_signal_sent_at, d.closed_signal_sent_at,
    d.payment_id, a.payment_id AS attempt_payment_id,
    COALESCE(j.opened, 0) AS opened, COALESCE(n.disputes, 0) AS disputes
FROM {DISPUTE} d LEFT JOIN {ATTEMPT} a ON a.id = d.attempt_id
LEFT JOIN (
    SELECT attempt_id, COUNT(*) AS opened FROM {JOURNAL}
    WHERE verb = {text(JournalVerb.DISPUTE_OPENED)} GROUP BY attempt_id
) j ON j.attempt_id = d.attempt_id
LEFT JOIN (
    SELECT attempt_id, COUNT(*) AS disputes FROM {DISPUTE} GROUP BY attempt_id
) n ON n.attempt_id = d.attempt_id
"""

DISPUTES = TableRules(
    table=DISPUTE,
    source=_SOURCE,
    money=frozenset({"amount", "withdrawn", "reinstated"}),
    rules=(
        Rule(
            name="dispute_state",
            promise="A dispute's state is a known one.",
            error=EvidenceError,
            constraint=CheckConstraint(
                condition=Q(state__in=[str(state) for state in DisputeState]),
                name="payments_dispute_known_state",
            ),
            never=f"{{row}}state NOT IN ({text(*DisputeState)})",
            shows=("state",),
        ),
        Rule(
            name="dispute_not_negative",
            promise="A dispute is about zero or more, and so is what it has taken and put back.",
            error=InvalidAmountError,
            constraint=CheckConstraint(
                condition=Q(amount__gte=0, withdrawn__gte=0, reinstated__gte=0),
                name="payments_dispute_not_negative",
            ),
            never="{row}amount < 0 OR {row}withdrawn < 0 OR {row}reinstated < 0",
            shows=("amount", "withdrawn", "reinstated", "currency"),
        ),
        Rule(
            name="dispute_payment",
            promise="A dispute's attempt exists, and both belong to the same payment.",
            error=EvidenceError,
            refuse_insert=f"NOT EXISTS (SELECT 1 FROM {ATTEMPT} a"
            " WHERE a.id = NEW.attempt_id AND a.payment_id = NEW.payment_id)",
            violated_where="attempt_payment_id IS NULL OR payment_id <> attempt_payment_id",
            shows=("payment_id", "attempt_payment_id"),
        ),
        Rule(
            name="dispute_frozen",
            promise="A dispute stays about the same money, and began when it began.",
            error=EvidenceError,
            refuse_update="{changed[id,payment_id,attempt_id]}"
            " OR {changed[psp_reference,opened_at,recorded_at]}",
        ),
        Rule(
            name="dispute_moved",
            promise="Money that a dispute has moved is not forgotten.",
            error=EvidenceError,
            # Rounded, since SQLite adds floats.
            refuse_update="ROUND(NEW.withdrawn + NEW.reinstated, 3)"
            " < ROUND(OLD.withdrawn + OLD.reinstated, 3)",
        ),
        Rule(
            name="dispute_closed",
            promise="A dispute has an end if and only if it is decided.",
            violated_where=f"(state IN ({_OPEN}) AND closed_at IS NOT NULL)"
            f" OR (state NOT IN ({_OPEN}) AND closed_at IS NULL)",
            shows=("state", "closed_at"),
        ),
        Rule(
            name="dispute_signal_sent",
            promise="The signals of a dispute are sent, and the moments of that are kept.",
            error=EvidenceError,
            refuse_update="OLD.opened_signal_sent_at IS NOT NULL"
            " AND NEW.opened_signal_sent_at IS NULL OR OLD.closed_signal_sent_at IS NOT NULL"
            " AND NEW.closed_signal_sent_at IS NULL AND NOT {changed[state]}",
            violated_where="(opened_signal_sent_at IS NULL AND recorded_at < %(overdue)s)"
            f" OR (state NOT IN ({_OPEN}) AND closed_signal_sent_at IS NULL"
            " AND closed_at < %(overdue)s)",
            shows=("state", "recorded_at", "closed_at"),
        ),
        Rule(
            name="dispute_reopened",
            promise="Charges are owed again once, after a dispute of them was lost.",
            error=EvidenceError,
            refuse_update="{changed[reopened_at]}"
            f" AND (OLD.reopened_at IS NOT NULL OR NEW.state <> {_LOST})",
        ),
        Rule(
            name="journal_disputes",
            promise="The journal has one entry for every dispute that opened.",
            violated_where="opened <> disputes",
            shows=("opened", "disputes"),
        ),
        Rule(
            name="dispute_kept",
            promise="A dispute is never deleted.",
            error=EvidenceError,
            refuse_delete=ALWAYS,
        ),
        Rule(
            name="dispute_reference_once",
            promise="A PSP's reference belongs to one dispute of an attempt.",
            error=EvidenceError,
            constraint=UniqueConstraint(
                fields=("attempt", "psp_reference"), name="payments_dispute_reference"
            ),
        ),
    ),
)
