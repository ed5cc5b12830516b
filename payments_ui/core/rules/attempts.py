"""Rules of attempts: what was asked, what arrived, what is refunded, and who has to look."""

from __future__ import annotations

from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from payments_ui.core.attempts.states import ARRIVED_STATES, OPEN_STATES, AttemptState
from payments_ui.core.refunds.states import RefundState
from payments_ui.core.suspense.states import SuspenseKind
from payments_ui.core.verbs import JournalVerb
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    EvidenceError,
    InvalidAmountError,
    PaymentStateError,
)

from .rule import ALWAYS, ATTEMPT, JOURNAL, PAYMENT, REFUND, SUSPENSE, Rule, TableRules, text

# ruff: noqa: S608 - only our own tables' names and states go in
_OPEN, _ARRIVED = text(*OPEN_STATES), text(*ARRIVED_STATES)
_UNPAID = text(AttemptState.FAILED, AttemptState.CANCELLED)
_SETTLED, _SURPLUS = text(AttemptState.SETTLED), text(AttemptState.SURPLUS)

_SOURCE = f"""
SELECT a.id, a.state, a.currency, exact(a.amount) AS amount, a.manual, a.started_at, a.ended_at,
    exact(a.received_amount) AS received_amount, a.received_currency,
    exact(a.refunded_amount) AS refunded_amount, a.signal_sent_at,
    p.currency AS payment_currency,
    a.payment_id, CASE WHEN p.id IS NULL THEN 1 ELSE 0 END AS lost,
    COALESCE(r.reserved, 0) AS reserved, COALESCE(j.answers, 0) AS answers,
    COALESCE(j.elsewhere, 0) AS elsewhere,
    COALESCE(s.surplus, 0) AS told_surplus, COALESCE(s.mismatch, 0) AS told_mismatch,
    COALESCE(s.overdue, 0) AS told_overdue
FROM {ATTEMPT} a
LEFT JOIN {PAYMENT} p ON p.id = a.payment_id
LEFT JOIN (
    SELECT attempt_id,
        SUM(CASE WHEN state <> {text(RefundState.FAILED)} THEN exact(amount) ELSE 0 END) AS reserved
    FROM {REFUND} GROUP BY attempt_id
) r ON r.attempt_id = a.id
LEFT JOIN (
    SELECT e.attempt_id,
        COUNT(CASE WHEN e.verb = {text(JournalVerb.ATTEMPT_CHANGED)} THEN 1 END) AS answers,
        COUNT(CASE WHEN e.payment_id <> o.payment_id
            AND e.verb <> {text(JournalVerb.SUSPENSE_CLOSED)} THEN 1 END) AS elsewhere
    FROM {JOURNAL} e JOIN {ATTEMPT} o ON o.id = e.attempt_id GROUP BY e.attempt_id
) j ON j.attempt_id = a.id
LEFT JOIN (
    SELECT attempt_id,
        COUNT(CASE WHEN kind = {text(SuspenseKind.SURPLUS)} THEN 1 END) AS surplus,
        COUNT(CASE WHEN kind = {text(SuspenseKind.MISMATCH)} THEN 1 END) AS mismatch,
        COUNT(CASE WHEN kind = {text(SuspenseKind.OVERDUE)} THEN 1 END) AS overdue
    FROM {SUSPENSE} WHERE attempt_id IS NOT NULL GROUP BY attempt_id
) s ON s.attempt_id = a.id
"""

_NOT_PAYABLE = f"""NOT EXISTS (SELECT 1 FROM {PAYMENT} p WHERE p.id = NEW.payment_id
    AND p.amount = NEW.amount AND p.currency = NEW.currency AND p.sealed_at IS NOT NULL
    AND p.charged_at IS NULL AND p.cancelled_at IS NULL AND p.undone_at IS NULL {{share}})"""
# Rounded, since SQLite adds floats.
_NOT_COVERED = f"""ROUND(NEW.refunded_amount, 3) < (SELECT ROUND(COALESCE(SUM(r.amount), 0), 3)
    FROM {REFUND} r WHERE r.attempt_id = NEW.id AND r.state <> {text(RefundState.FAILED)})"""


def payment_while(*states: AttemptState) -> str:
    """The payment of an attempt in one of these states, otherwise NULL, in SQL."""
    return f"CASE WHEN state IN ({text(*states)}) THEN payment_id END"


ATTEMPTS = TableRules(
    table=ATTEMPT,
    source=_SOURCE,
    money=frozenset({"amount", "received_amount", "refunded_amount", "reserved"}),
    rules=(
        Rule(
            name="attempt_born",
            promise="An attempt begins as started, or as money that arrived.",
            error=EvidenceError,
            refuse_insert="NEW.refunded_amount <> 0 OR NEW.state NOT IN"
            f" ({text(AttemptState.STARTED, AttemptState.SETTLED, AttemptState.SURPLUS)})",
        ),
        Rule(
            name="attempt_state",
            promise="An attempt's state is a known one.",
            error=EvidenceError,
            constraint=CheckConstraint(
                condition=Q(state__in=[str(state) for state in AttemptState]),
                name="payments_attempt_known_state",
            ),
            never=f"{{row}}state NOT IN ({text(*AttemptState)})",
            shows=("state",),
        ),
        Rule(
            name="attempt_not_negative",
            promise="An attempt asks for zero or more.",
            error=InvalidAmountError,
            constraint=CheckConstraint(
                condition=Q(amount__gte=0), name="payments_attempt_not_negative"
            ),
            never="{row}amount < 0",
            shows=("amount", "currency"),
        ),
        Rule(
            name="attempt_payment",
            promise="An attempt's payment exists.",
            violated_where="lost = 1",
            shows=("payment_id",),
        ),
        Rule(
            name="attempt_payable",
            promise="An attempt starts and settles only for a pending payment, and its amount.",
            error=PaymentStateError,
            refuse_insert=f"NEW.state <> {_SURPLUS} AND {_NOT_PAYABLE}",
            refuse_update=f"{{changed[state]}} AND NEW.state = {_SETTLED} AND {_NOT_PAYABLE}",
        ),
        Rule(
            name="attempt_currency",
            promise="An attempt asks in the currency of its payment.",
            violated_where="currency <> payment_currency",
            shows=("currency", "payment_currency"),
        ),
        Rule(
            name="attempt_exact",
            promise="An attempt is settled when exactly what it asked for arrived.",
            error=EvidenceError,
            never=f"{{row}}state = {_SETTLED} AND ({{row}}received_amount IS NULL"
            " OR {row}received_amount <> {row}amount"
            " OR {row}received_currency <> {row}currency)",
            shows=("amount", "received_amount", "currency", "received_currency"),
        ),
        Rule(
            name="attempt_frozen",
            promise="What was asked of a PSP stays as it is.",
            error=EvidenceError,
            refuse_update="{changed[id,payment_id,moocher,account,live,manual,amount,currency]}"
            " OR {changed[idempotency_key]}",
        ),
        Rule(
            name="attempt_money_kept",
            promise="What arrived with an attempt stays as it is.",
            error=EvidenceError,
            refuse_update="OLD.received_amount IS NOT NULL"
            " AND {changed[received_amount,received_currency,psp_reference]}",
        ),
        Rule(
            name="attempt_evidence",
            promise="What a PSP reported stays until it reports something else.",
            error=EvidenceError,
            refuse_update="{changed[evidence]} AND NOT {changed[state,received_amount]}"
            " AND NOT {anonymized[evidence]}",
        ),
        Rule(
            name="attempt_final",
            promise="An attempt that ended does not open again; arrived money stays arrived.",
            error=EvidenceError,
            refuse_update=f"{{changed[state]}} AND OLD.state NOT IN ({_OPEN})"
            f" AND (OLD.state IN ({_ARRIVED}) OR NEW.state NOT IN ({_ARRIVED}))",
        ),
        Rule(
            name="attempt_ended",
            promise="An attempt has an end if and only if its outcome is known.",
            violated_where=f"(state IN ({_OPEN}) AND ended_at IS NOT NULL)"
            f" OR (state NOT IN ({_OPEN}) AND ended_at IS NULL)",
            shows=("state", "ended_at"),
        ),
        Rule(
            name="attempt_answered",
            promise="An attempt fails or is cancelled by an answer, which the journal names.",
            violated_where=f"state IN ({_UNPAID}) AND answers = 0",
            shows=("state", "ended_at"),
        ),
        Rule(
            name="journal_attempt",
            promise="Journal entries name their attempt's payment, but for a match with another.",
            violated_where="elsewhere > 0",
            shows=("payment_id", "elsewhere"),
        ),
        Rule(
            name="attempt_received",
            promise="Settled, surplus and mismatch attempts say what arrived; no other does.",
            violated_where=f"(state IN ({_ARRIVED})"
            " AND (received_amount IS NULL OR received_currency = ''))"
            f" OR (state NOT IN ({_ARRIVED})"
            " AND (received_amount IS NOT NULL OR received_currency <> ''))",
            shows=("state", "received_amount", "received_currency"),
        ),
        Rule(
            name="attempt_signal_sent",
            promise="The signal of a charge is sent, and the moment of that is kept.",
            error=EvidenceError,
            refuse_update="OLD.signal_sent_at IS NOT NULL AND NEW.signal_sent_at IS NULL",
            violated_where=f"state = {_SETTLED} AND signal_sent_at IS NULL"
            " AND ended_at < %(overdue)s",
            shows=("state", "ended_at"),
        ),
        Rule(
            name="attempt_refunded_most",
            promise="What is given back is at most what arrived.",
            constraint=CheckConstraint(
                condition=Q(refunded_amount=0)
                | Q(
                    refunded_amount__gt=0,
                    received_amount__isnull=False,
                    refunded_amount__lte=F("received_amount"),
                ),
                name="payments_refunded_at_most_received",
            ),
            never="{row}refunded_amount < 0"
            " OR {row}refunded_amount > COALESCE({row}received_amount, 0)",
            violated_where="reserved > COALESCE(received_amount, 0)",
            shows=("received_amount", "refunded_amount", "reserved", "received_currency"),
        ),
        Rule(
            name="attempt_reserved",
            promise="An attempt reserves the sum of its refunds that did not fail.",
            # More for a moment: the reserve is written first.
            refuse_update=f"{{changed[refunded_amount]}} AND {_NOT_COVERED}",
            violated_where="refunded_amount <> reserved",
            shows=("refunded_amount", "reserved", "received_currency"),
        ),
        Rule(
            name="attempt_kept",
            promise="An attempt is never deleted.",
            error=EvidenceError,
            refuse_delete=ALWAYS,
        ),
        Rule(
            name="attempt_suspense",
            promise="Surplus and mismatch are in the suspense queue.",
            violated_where=f"state = {_SURPLUS} AND told_surplus = 0"
            f" OR state = {text(AttemptState.MISMATCH)} AND told_mismatch = 0",
            shows=("state", "received_amount", "received_currency"),
        ),
        Rule(
            name="attempt_overdue",
            promise="An attempt that a PSP leaves open for ten days is in the suspense queue.",
            # While it waits for its customer, the PSP has nothing to answer; it expires.
            violated_where=f"state IN ({_OPEN})"
            f" AND state <> {text(AttemptState.REQUIRES_ACTION)} AND NOT manual"
            " AND started_at < %(overdue)s AND told_overdue = 0",
            shows=("state", "started_at"),
        ),
        Rule(
            name="attempt_one_open",
            promise="A payment has at most one open attempt.",
            error=AttemptOpenError,
            constraint=UniqueConstraint(fields=("open_payment",), name="payments_one_open_attempt"),
            unique=(payment_while(*OPEN_STATES),),
        ),
        Rule(
            name="attempt_one_settled",
            promise="A payment has at most one settled attempt.",
            error=AlreadyChargedError,
            constraint=UniqueConstraint(
                fields=("settled_payment",), name="payments_one_settled_attempt"
            ),
            unique=(payment_while(AttemptState.SETTLED),),
        ),
        Rule(
            name="attempt_reference_once",
            promise="A PSP's reference belongs to one attempt.",
            error=EvidenceError,
            constraint=UniqueConstraint(
                fields=("moocher", "account", "psp_reference"), name="payments_psp_reference"
            ),
        ),
        Rule(
            name="attempt_key_once",
            promise="Every attempt has an idempotency key of its own.",
            error=EvidenceError,
            constraint=UniqueConstraint(fields=("idempotency_key",), name="payments_attempt_key"),
        ),
        Rule(
            name="attempt_form_once",
            promise="A form starts one attempt, however often it is posted.",
            error=EvidenceError,
            constraint=UniqueConstraint(fields=("form_token",), name="payments_attempt_form"),
        ),
    ),
)
