"""What the database refuses to do to attempts, refunds, events, money to look at, the journal."""

from __future__ import annotations

from payments_ui.core.models import Attempt, Refund
from payments_ui.exceptions import EvidenceError, PaymentStateError, RuleBrokenError

from .rule import ATTEMPT, DELETE, EVENT, INSERT, JOURNAL, PAYMENT, REFUND, SUSPENSE, UPDATE, Rule

# ruff: noqa: S608 - only our own tables' names go in


def _texts(states: tuple[str, ...]) -> str:
    return ", ".join(f"'{state!s}'" for state in states)


_OPEN, _ARRIVED = _texts(Attempt.OPEN), _texts(Attempt.ARRIVED)
_ALWAYS = "1 = 1"
_NOT_PAYABLE = f"""NOT EXISTS (SELECT 1 FROM {PAYMENT} p WHERE p.id = NEW.payment_id
    AND p.amount = NEW.amount AND p.currency = NEW.currency AND p.sealed_at IS NOT NULL
    AND p.charged_at IS NULL AND p.cancelled_at IS NULL AND p.undone_at IS NULL {{share}})"""
_NOT_EXACT = """NEW.state = 'settled' AND (NEW.received_amount IS NULL
    OR NEW.received_amount <> NEW.amount OR NEW.received_currency <> NEW.currency)"""
# Rounded, since SQLite adds floats.
_NOT_COVERED = f"""ROUND(NEW.refunded_amount, 3) < (SELECT ROUND(COALESCE(SUM(r.amount), 0), 3)
    FROM {REFUND} r WHERE r.attempt_id = NEW.id AND r.state <> 'failed')"""
_NOT_RESERVED = f"""NOT EXISTS (SELECT 1 FROM {ATTEMPT} a WHERE a.id = NEW.attempt_id
    AND a.payment_id = NEW.payment_id AND a.received_currency = NEW.currency
    AND ROUND(a.refunded_amount, 3) >= (SELECT ROUND(COALESCE(SUM(r.amount), 0) + NEW.amount, 3)
        FROM {REFUND} r
        WHERE r.attempt_id = NEW.attempt_id AND r.state <> 'failed' AND r.id <> NEW.id))"""

ATTEMPTS = (
    Rule(
        *("attempt_born", ATTEMPT),
        "An attempt begins as started, or as money that arrived.",
        EvidenceError,
        {INSERT: "NEW.state NOT IN ('started', 'settled', 'surplus') OR NEW.refunded_amount <> 0"},
    ),
    Rule(
        *("attempt_payable", ATTEMPT),
        "An attempt starts and settles only for a pending payment, and its amount.",
        PaymentStateError,
        {
            INSERT: f"NEW.state <> 'surplus' AND {_NOT_PAYABLE}",
            UPDATE: f"{{changed[state]}} AND NEW.state = 'settled' AND {_NOT_PAYABLE}",
        },
    ),
    Rule(
        *("attempt_exact", ATTEMPT),
        "An attempt is settled when exactly what it asked for arrived.",
        EvidenceError,
        {INSERT: _NOT_EXACT, UPDATE: f"{{changed[state]}} AND {_NOT_EXACT}"},
    ),
    Rule(
        *("attempt_frozen", ATTEMPT),
        "What was asked of a PSP stays as it is.",
        EvidenceError,
        {
            UPDATE: "{changed[id,payment_id,moocher,account,live,manual,amount,currency]}"
            " OR {changed[idempotency_key]}"
        },
    ),
    Rule(
        *("attempt_received", ATTEMPT),
        "What arrived with an attempt stays as it is.",
        EvidenceError,
        {
            UPDATE: "OLD.received_amount IS NOT NULL"
            " AND {changed[received_amount,received_currency,psp_reference]}"
        },
    ),
    Rule(
        *("attempt_state", ATTEMPT),
        "An attempt that ended does not open again, and arrived money stays arrived.",
        EvidenceError,
        {
            UPDATE: f"{{changed[state]}} AND OLD.state NOT IN ({_OPEN})"
            f" AND (OLD.state IN ({_ARRIVED}) OR NEW.state NOT IN ({_ARRIVED}))"
        },
    ),
    Rule(
        *("attempt_reserve", ATTEMPT),
        "What an attempt has reserved covers its refunds.",
        RuleBrokenError,
        {UPDATE: f"{{changed[refunded_amount]}} AND {_NOT_COVERED}"},
    ),
    Rule(
        *("attempt_kept", ATTEMPT),
        "An attempt is never deleted.",
        EvidenceError,
        {DELETE: _ALWAYS},
    ),
)

REFUNDS = (
    Rule(
        *("refund_born", REFUND),
        "A refund begins as requested, or as given back.",
        EvidenceError,
        {INSERT: "NEW.state NOT IN ('requested', 'succeeded')"},
    ),
    Rule(
        *("refund_reserved", REFUND),
        "A refund gives back what arrived with its attempt and is reserved there.",
        RuleBrokenError,
        {
            INSERT: _NOT_RESERVED,
            UPDATE: f"OLD.state = 'failed' AND NEW.state <> 'failed' AND {_NOT_RESERVED}",
        },
    ),
    Rule(
        *("refund_frozen", REFUND),
        "What was asked to be given back stays as it is.",
        EvidenceError,
        {
            UPDATE: "{changed[id,payment_id,attempt_id,amount,currency]}"
            " OR {changed[idempotency_key,requested_at]}"
        },
    ),
    Rule(
        *("refund_state", REFUND),
        "A refund that ended does not open again, and money given back stays so.",
        EvidenceError,
        {
            UPDATE: f"{{changed[state]}} AND OLD.state NOT IN ({_texts(Refund.OPEN)})"
            " AND (OLD.state = 'succeeded' OR NEW.state <> 'succeeded')"
        },
    ),
    Rule(
        *("refund_kept", REFUND),
        "A refund is never deleted.",
        EvidenceError,
        {DELETE: _ALWAYS},
    ),
)

FACTS = (
    Rule(
        *("event_frozen", EVENT),
        "What a PSP or a bank reported stays as it is.",
        EvidenceError,
        {
            UPDATE: "{changed[id,moocher,account,event_id,received_at]}"
            " OR {changed[psp_reference,amount,currency]}"
            " OR OLD.attempt_id IS NOT NULL AND {changed[attempt_id]}"
            " OR OLD.state = 'processed' AND {changed[state]}"
        },
    ),
    Rule(
        *("event_kept", EVENT),
        "An event is never deleted.",
        EvidenceError,
        {DELETE: _ALWAYS},
    ),
    Rule(
        *("suspense_frozen", SUSPENSE),
        "Money to look at stays what it is.",
        EvidenceError,
        {
            UPDATE: "{changed[id,kind,amount,currency,opened_at]}"
            " OR OLD.attempt_id IS NOT NULL AND {changed[attempt_id]}"
            " OR OLD.event_id IS NOT NULL AND {changed[event_id]}"
            " OR OLD.refund_id IS NOT NULL AND {changed[refund_id]}"
        },
    ),
    Rule(
        *("suspense_closed", SUSPENSE),
        "What was decided about money stays decided.",
        EvidenceError,
        {UPDATE: "OLD.state <> 'open' AND {changed[state,payment_id,closed_at,closed_by,reason]}"},
    ),
    Rule(
        *("suspense_kept", SUSPENSE),
        "Money to look at is never deleted.",
        EvidenceError,
        {DELETE: _ALWAYS},
    ),
    Rule(
        *("journal_kept", JOURNAL),
        "The journal is never changed.",
        EvidenceError,
        {UPDATE: _ALWAYS, DELETE: _ALWAYS},
    ),
)
