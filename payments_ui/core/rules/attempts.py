"""Rules of attempts: what was asked, what arrived, what is refunded, and who has to look."""

from __future__ import annotations

from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.db.models.functions import Round

from payments_ui.core.attempts.states import ARRIVED_STATES, OPEN_STATES, AttemptState
from payments_ui.core.paymentmethods.states import PaymentMethodState
from payments_ui.core.refunds.states import RELEASED_STATES
from payments_ui.core.suspense.states import SuspenseKind
from payments_ui.core.verbs import JournalVerb
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    EvidenceError,
    InvalidAmountError,
    PaymentMethodGoneError,
    PaymentStateError,
)

from .rule import (
    ALWAYS,
    ARRIVAL,
    ATTEMPT,
    CUSTOMER,
    DISPUTE,
    JOURNAL,
    METHOD,
    PAYMENT,
    REFUND,
    SUSPENSE,
    Rule,
    TableRules,
    text,
)
from .unique import UniqueWhereSet

# ruff: noqa: S608 - only our own tables' names and states go in
_OPEN, _ARRIVED = text(*OPEN_STATES), text(*ARRIVED_STATES)
_UNPAID = text(AttemptState.FAILED, AttemptState.CANCELLED)
_RELEASED = text(*RELEASED_STATES)
_SETTLED, _SURPLUS = text(AttemptState.SETTLED), text(AttemptState.SURPLUS)

_SOURCE = f"""
SELECT a.id, a.state, a.currency, exact(a.amount) AS amount, a.manual, a.started_at, a.ended_at,
    exact(a.received_amount) AS received_amount, a.received_currency,
    exact(a.refunded_amount) AS refunded_amount, exact(a.disputed_amount) AS disputed_amount,
    exact(a.written_off) AS written_off, COALESCE(x.arrived, 0) AS arrived,
    a.signal_sent_at, COALESCE(d.taken, 0) AS taken,
    p.currency AS payment_currency,
    CASE WHEN m.user_id <> p.user_id THEN 1 ELSE 0 END AS strangers,
    a.payment_id, CASE WHEN p.id IS NULL THEN 1 ELSE 0 END AS lost,
    COALESCE(r.reserved, 0) AS reserved, COALESCE(j.answers, 0) AS answers,
    COALESCE(j.elsewhere, 0) AS elsewhere, COALESCE(j.write_offs, 0) AS write_offs,
    COALESCE(s.surplus, 0) AS told_surplus, COALESCE(s.mismatch, 0) AS told_mismatch,
    COALESCE(s.overdue, 0) AS told_overdue
FROM {ATTEMPT} a
LEFT JOIN {PAYMENT} p ON p.id = a.payment_id
LEFT JOIN {METHOD} m ON m.id = a.payment_method_id
LEFT JOIN (
    SELECT attempt_id,
        SUM(CASE WHEN state NOT IN ({_RELEASED}) THEN exact(amount) ELSE 0 END) AS reserved
    FROM {REFUND} GROUP BY attempt_id
) r ON r.attempt_id = a.id
LEFT JOIN (
    SELECT d.attempt_id, SUM(exact(d.withdrawn) - exact(d.reinstated)) AS taken
    FROM {DISPUTE} d JOIN {ATTEMPT} o ON o.id = d.attempt_id
    WHERE d.currency = o.received_currency GROUP BY d.attempt_id
) d ON d.attempt_id = a.id
LEFT JOIN (
    SELECT attempt_id, SUM(exact(amount)) AS arrived FROM {ARRIVAL} GROUP BY attempt_id
) x ON x.attempt_id = a.id
LEFT JOIN (
    SELECT e.attempt_id,
        COUNT(CASE WHEN e.verb = {text(JournalVerb.ATTEMPT_CHANGED)} THEN 1 END) AS answers,
        COUNT(CASE WHEN e.verb = {text(JournalVerb.MONEY_WRITTEN_OFF)} THEN 1 END) AS write_offs,
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
_NOT_USABLE = f"""NOT EXISTS (SELECT 1 FROM {METHOD} m WHERE m.id = NEW.payment_method_id
    AND m.state = {text(PaymentMethodState.ACTIVE)}
    AND m.user_id = (SELECT p.user_id FROM {PAYMENT} p WHERE p.id = NEW.payment_id)
    AND EXISTS (SELECT 1 FROM {CUSTOMER} c WHERE c.id = m.psp_customer_id
        AND c.account = NEW.account AND c.live = NEW.live) {{share}})"""
# Rounded, since SQLite adds floats.
_NOT_COVERED = f"""ROUND(NEW.refunded_amount, 3) < (SELECT ROUND(COALESCE(SUM(r.amount), 0), 3)
    FROM {REFUND} r WHERE r.attempt_id = NEW.id AND r.state NOT IN ({_RELEASED}))"""
_NOT_TAKEN = f"""ROUND(NEW.disputed_amount, 3) > (SELECT
    ROUND(COALESCE(SUM(d.withdrawn - d.reinstated), 0), 3) FROM {DISPUTE} d
    WHERE d.attempt_id = NEW.id AND d.currency = NEW.received_currency)"""
# Rounded, since SQLite adds floats.
_NOT_ARRIVED = f"""NEW.manual AND NEW.received_amount > 0 AND ROUND(NEW.received_amount, 3) <> (
    SELECT ROUND(COALESCE(SUM(x.amount), 0), 3) FROM {ARRIVAL} x WHERE x.attempt_id = NEW.id)"""
_LEFT = "(COALESCE(received_amount, 0) - refunded_amount)"


def payment_while(*states: AttemptState) -> str:
    """The payment of an attempt in one of these states, otherwise NULL, in SQL."""
    return f"CASE WHEN state IN ({text(*states)}) THEN payment_id END"


ATTEMPTS = TableRules(
    table=ATTEMPT,
    source=_SOURCE,
    money=frozenset(
        {"amount", "received_amount", "refunded_amount", "reserved"}
        | {"disputed_amount", "taken", "written_off", "arrived"}
    ),
    rules=(
        Rule(
            name="attempt_born",
            promise="An attempt begins as started, or as money that arrived.",
            error=EvidenceError,
            refuse_insert="NEW.refunded_amount <> 0 OR NEW.disputed_amount <> 0"
            " OR NEW.written_off <> 0 OR NEW.state NOT IN"
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
            name="attempt_method",
            promise="An attempt charges a saved payment method of its user, while it is in use.",
            error=PaymentMethodGoneError,
            refuse_insert=f"NEW.payment_method_id IS NOT NULL AND {_NOT_USABLE}",
            violated_where="strangers = 1",
            shows=("payment_id",),
        ),
        Rule(
            name="attempt_currency",
            promise="An attempt asks in the currency of its payment.",
            violated_where="currency <> payment_currency",
            shows=("currency", "payment_currency"),
        ),
        Rule(
            name="attempt_exact",
            promise="An attempt settles when exactly what it asked for arrived or is written off.",
            error=EvidenceError,
            # Rounded, since SQLite adds floats.
            never=f"{{row}}state = {_SETTLED} AND ({{row}}received_amount IS NULL"
            " OR ROUND({row}received_amount + {row}written_off, 3) <> ROUND({row}amount, 3)"
            " OR {row}received_currency <> {row}currency)",
            shows=("amount", "received_amount", "written_off", "currency", "received_currency"),
        ),
        Rule(
            name="attempt_part",
            promise="While it is open, a part has arrived at most, for people to book.",
            error=EvidenceError,
            never=f"{{row}}state IN ({_OPEN}) AND {{row}}received_amount IS NOT NULL"
            " AND (NOT {row}manual OR {row}received_amount <= 0"
            " OR {row}received_amount >= {row}amount"
            " OR {row}received_currency <> {row}currency)",
            shows=("state", "amount", "received_amount", "currency", "received_currency"),
        ),
        Rule(
            name="attempt_arrivals",
            promise="What arrived with an attempt that people book is the sum of its arrivals.",
            error=EvidenceError,
            refuse_update=f"{{changed[received_amount]}} AND {_NOT_ARRIVED}",
            violated_where="manual AND received_amount > 0 AND received_amount <> arrived"
            " OR received_amount IS NULL AND arrived <> 0",
            shows=("received_amount", "arrived", "received_currency"),
        ),
        Rule(
            name="attempt_written_off",
            promise="A rest is written off where a part of a transfer settles, with a reason.",
            error=EvidenceError,
            constraint=CheckConstraint(
                condition=Q(written_off=0)
                | Q(
                    written_off__gt=0,
                    received_amount__gt=0,
                    received_amount__isnull=False,
                    manual=True,
                    state=AttemptState.SETTLED.value,
                ),
                name="payments_written_off",
            ),
            refuse_update="{changed[written_off]} AND NOT {changed[state]}",
            violated_where="written_off < 0 OR written_off <> 0 AND (NOT manual"
            f" OR state <> {_SETTLED} OR COALESCE(received_amount, 0) <= 0)"
            " OR write_offs <> CASE WHEN written_off <> 0 THEN 1 ELSE 0 END",
            shows=("written_off", "received_amount", "state", "write_offs"),
        ),
        Rule(
            name="attempt_frozen",
            promise="What was asked of a PSP stays as it is.",
            error=EvidenceError,
            refuse_update="{changed[id,payment_id,moocher,account,live,manual,amount,currency]}"
            " OR {changed[idempotency_key,payment_method_id,unattended]}",
        ),
        Rule(
            name="attempt_money_kept",
            promise="What arrived with an attempt stays as it is.",
            error=EvidenceError,
            # Of a transfer, more may come while it is open, and its reference if it had none.
            refuse_update="OLD.received_amount IS NOT NULL"
            " AND ({changed[received_currency]} OR {changed[psp_reference]}"
            f" AND (OLD.state NOT IN ({_OPEN}) OR OLD.psp_reference IS NOT NULL)"
            " OR {changed[received_amount]}"
            f" AND (OLD.state NOT IN ({_OPEN}) OR NEW.received_amount IS NULL"
            " OR NEW.received_amount < OLD.received_amount))",
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
            promise="Settled, surplus, mismatch and open transfers say what arrived; no other.",
            violated_where=f"(state IN ({_ARRIVED})"
            " AND (received_amount IS NULL OR received_currency = ''))"
            f" OR (state IN ({_UNPAID})"
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
            promise="What is given back, and taken by disputes, is at most what arrived.",
            constraint=CheckConstraint(
                condition=Q(refunded_amount=0, disputed_amount=0)
                | Q(
                    refunded_amount__gte=0,
                    disputed_amount__gte=0,
                    received_amount__isnull=False,
                    # Rounded, since SQLite adds floats.
                    received_amount__gte=Round(F("refunded_amount") + F("disputed_amount"), 3),
                ),
                name="payments_refunded_at_most_received",
            ),
            violated_where="refunded_amount < 0 OR disputed_amount < 0"
            " OR refunded_amount + disputed_amount > COALESCE(received_amount, 0)"
            " OR reserved > COALESCE(received_amount, 0)",
            shows=(
                *("received_amount", "refunded_amount", "disputed_amount", "reserved"),
                "received_currency",
            ),
        ),
        Rule(
            name="attempt_refunded_ended",
            promise="What arrived for a transfer is given back after it has ended.",
            error=EvidenceError,
            never=f"{{row}}state IN ({_OPEN}) AND {{row}}refunded_amount <> 0",
            shows=("state", "refunded_amount", "received_currency"),
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
            name="attempt_disputed",
            promise="An attempt counts what its disputes have taken, if it was not refunded.",
            refuse_update=f"{{changed[disputed_amount]}} AND {_NOT_TAKEN}",
            violated_where="disputed_amount <> CASE WHEN taken <= 0 THEN 0"
            f" WHEN taken < {_LEFT} THEN taken ELSE {_LEFT} END",
            shows=("received_amount", "refunded_amount", "disputed_amount", "taken"),
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
            constraint=UniqueWhereSet(
                fields=("open_payment",), name="payments_one_open_attempt", key="open_payment"
            ),
            unique=(payment_while(*OPEN_STATES),),
        ),
        Rule(
            name="attempt_one_settled",
            promise="A payment has at most one settled attempt.",
            error=AlreadyChargedError,
            constraint=UniqueWhereSet(
                fields=("settled_payment",),
                name="payments_one_settled_attempt",
                key="settled_payment",
            ),
            unique=(payment_while(AttemptState.SETTLED),),
        ),
        Rule(
            name="attempt_reference_once",
            promise="A PSP's reference belongs to one attempt.",
            error=EvidenceError,
            # The reference first: the admin knows nothing else of what it looks for.
            constraint=UniqueWhereSet(
                fields=("psp_reference", "moocher", "account"),
                name="payments_psp_reference",
                key="psp_reference",
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
            constraint=UniqueWhereSet(
                fields=("form_token",), name="payments_attempt_form", key="form_token"
            ),
        ),
    ),
)
