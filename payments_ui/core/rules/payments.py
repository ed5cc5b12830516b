"""Rules of payments: their line items, their attempts and their journal."""

from __future__ import annotations

from django.db.models import CheckConstraint, Q

from payments_ui import money
from payments_ui.core.attempts.states import OPEN_STATES, AttemptState
from payments_ui.core.refunds.states import OPEN_STATES as REFUND_OPEN_STATES
from payments_ui.core.verbs import JournalVerb
from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    InvalidAmountError,
    NotChargedError,
    PaymentGoneError,
    PaymentStateError,
)

from .rule import ATTEMPT, JOURNAL, LINEITEM, PAYMENT, REFUND, Row, Rule, TableRules, text

# ruff: noqa: S608 - only our own tables' names and states go in
_SETTLED = text(AttemptState.SETTLED)
_GONE = "(cancelled_at IS NOT NULL OR undone_at IS NOT NULL)"
# Money came for it, whatever was undone in the books afterwards.
_WAS_CHARGED = "(charged_at IS NOT NULL OR undone_at IS NOT NULL)"

_SOURCE = f"""
SELECT p.id, p.currency, exact(p.amount) AS amount,
    p.sealed_at, p.charged_at, p.cancelled_at, p.undone_at,
    COALESCE(i.items, 0) AS items, i.total,
    COALESCE(i.strangers, 0) AS strangers, COALESCE(i.foreigners, 0) AS foreigners,
    COALESCE(a.opened, 0) AS opened, COALESCE(a.settled, 0) AS settled,
    a.settled_amount, a.settled_currency,
    COALESCE(j.created, 0) AS created, j.items AS journal_items, j.total AS journal_total,
    COALESCE(j.charged, 0) AS charged, COALESCE(j.cancelled, 0) AS cancelled,
    COALESCE(j.undone, 0) AS undone, COALESCE(j.others, 0) AS others,
    COALESCE(r.refunds, 0) AS refunds, COALESCE(r.ended, 0) AS refunds_ended,
    COALESCE(j.requested, 0) AS requested, COALESCE(j.changed, 0) AS changed
FROM {PAYMENT} p
LEFT JOIN (
    SELECT l.payment_id, COUNT(*) AS items, SUM(l.amount) AS total,
        COUNT(CASE WHEN l.user_id <> o.user_id THEN 1 END) AS strangers,
        COUNT(CASE WHEN l.currency <> o.currency THEN 1 END) AS foreigners
    FROM {LINEITEM} l JOIN {PAYMENT} o ON o.id = l.payment_id
    GROUP BY l.payment_id
) i ON i.payment_id = p.id
LEFT JOIN (
    SELECT payment_id,
        COUNT(CASE WHEN state IN ({text(*OPEN_STATES)}) THEN 1 END) AS opened,
        COUNT(CASE WHEN state = {_SETTLED} THEN 1 END) AS settled,
        MAX(CASE WHEN state = {_SETTLED} THEN exact(amount) END) AS settled_amount,
        MAX(CASE WHEN state = {_SETTLED} THEN currency END) AS settled_currency
    FROM {ATTEMPT} GROUP BY payment_id
) a ON a.payment_id = p.id
LEFT JOIN (
    SELECT e.payment_id,
        COUNT(CASE WHEN e.verb = {text(JournalVerb.PAYMENT_CREATED)} THEN 1 END) AS created,
        MAX(CASE WHEN e.verb = {text(JournalVerb.PAYMENT_CREATED)} THEN e.items END) AS items,
        MAX(CASE WHEN e.verb = {text(JournalVerb.PAYMENT_CREATED)} THEN e.total END) AS total,
        COUNT(CASE WHEN e.verb = {text(JournalVerb.PAYMENT_CHARGED)} THEN 1 END) AS charged,
        COUNT(CASE WHEN e.verb = {text(JournalVerb.PAYMENT_CANCELLED)} THEN 1 END) AS cancelled,
        COUNT(CASE WHEN e.verb = {text(JournalVerb.PAYMENT_UNDONE)} THEN 1 END) AS undone,
        COUNT(CASE WHEN e.verb = {text(JournalVerb.REFUND_REQUESTED)} THEN 1 END) AS requested,
        COUNT(CASE WHEN e.verb = {text(JournalVerb.REFUND_CHANGED)} THEN 1 END) AS changed,
        COUNT(CASE WHEN e.user_id <> o.user_id THEN 1 END) AS others
    FROM {JOURNAL} e JOIN {PAYMENT} o ON o.id = e.payment_id GROUP BY e.payment_id
) j ON j.payment_id = p.id
LEFT JOIN (
    SELECT payment_id, COUNT(*) AS refunds,
        COUNT(CASE WHEN state NOT IN ({text(*REFUND_OPEN_STATES)}) THEN 1 END) AS ended
    FROM {REFUND} GROUP BY payment_id
) r ON r.payment_id = p.id
"""


def _is_rounded_wrongly(row: Row, total: str = "total") -> bool:
    # An unknown currency breaks a rule of its own, and cannot be rounded.
    known = money.is_currency(row["currency"])
    return known and row["amount"] != money.round_amount(row[total], row["currency"])


def _is_journalled_wrongly(row: Row) -> bool:
    return _is_rounded_wrongly(row, "journal_total")


def _is_not_rounded(total: str) -> str:
    """Whether it may be wrong: ties, too, which SQL does not round half to even."""
    return f"(ABS(amount - {total}) >= {{half}} OR amount %% (2 * {{half}}) <> 0)"


def _unless_as_often_as(entries: str, fact: str) -> str:
    return f"{entries} <> CASE WHEN {fact} THEN 1 ELSE 0 END"


PAYMENTS = TableRules(
    table=PAYMENT,
    source=_SOURCE,
    money=frozenset({"amount", "total", "settled_amount", "journal_total"}),
    watched={
        "UPDATE": "{changed[id,user_id,amount,currency,created_at,sealed_at]}"
        " OR {changed[charged_at,cancelled_at,undone_at]}"
    },
    rules=(
        Rule(
            name="payment_born",
            promise="A payment begins as a draft: not sealed, charged, cancelled or undone.",
            error=PaymentStateError,
            refuse_insert="NEW.sealed_at IS NOT NULL OR NEW.charged_at IS NOT NULL"
            " OR NEW.cancelled_at IS NOT NULL OR NEW.undone_at IS NOT NULL",
        ),
        Rule(
            name="payment_frozen",
            promise="A payment keeps its id and user; sealed, its amount, currency and dates.",
            error=PaymentStateError,
            refuse_update="{changed[id,user_id]} OR OLD.sealed_at IS NOT NULL"
            " AND {changed[amount,currency,created_at,sealed_at]}",
        ),
        Rule(
            name="payment_sealed",
            promise="A payment that can be seen is sealed: drafts stay in their transaction.",
            violated_where="sealed_at IS NULL",
            shows=("amount", "currency"),
        ),
        Rule(
            name="payment_amount",
            promise="A payment's amount is the exact sum of its line items, rounded half to even.",
            # Refuses what breaks the three rules below, too.
            refuse_update="OLD.sealed_at IS NULL AND NEW.sealed_at IS NOT NULL AND NOT {adds_up}",
            violated_where=f"sealed_at IS NOT NULL AND NOT {_GONE} AND {_is_not_rounded('total')}",
            shows=("amount", "total", "currency"),
            decide=_is_rounded_wrongly,
        ),
        Rule(
            name="payment_items",
            promise="A payment that is pending or charged has at least one line item.",
            violated_where=f"items = 0 AND NOT {_GONE}",
            shows=("amount", "currency"),
        ),
        Rule(
            name="payment_owner",
            promise="All line items of a payment belong to its user.",
            violated_where="strangers > 0",
            shows=("items", "strangers"),
        ),
        Rule(
            name="payment_currency",
            promise="All line items of a payment are in its currency.",
            violated_where="foreigners > 0",
            shows=("currency", "items", "foreigners"),
        ),
        Rule(
            name="payment_draft",
            promise="A draft is sealed before it is charged, cancelled or undone.",
            error=PaymentStateError,
            refuse_update="OLD.sealed_at IS NULL AND {changed[charged_at,cancelled_at,undone_at]}",
        ),
        Rule(
            name="payment_gone",
            promise="A cancelled or undone payment stays cancelled or undone.",
            error=PaymentGoneError,
            refuse_update="(OLD.cancelled_at IS NOT NULL OR OLD.undone_at IS NOT NULL)"
            " AND {changed[charged_at,cancelled_at,undone_at]}",
        ),
        Rule(
            name="payment_charged",
            promise="A charged payment keeps the moment of its charge, unless it is undone.",
            error=AlreadyChargedError,
            refuse_update="OLD.charged_at IS NOT NULL"
            " AND {changed[charged_at,cancelled_at,undone_at]}"
            " AND (NEW.charged_at IS NOT NULL OR NEW.cancelled_at IS NOT NULL"
            " OR NEW.undone_at IS NULL)",
        ),
        Rule(
            name="payment_paid",
            promise="A charged payment has an attempt that settled exactly its amount.",
            refuse_update="OLD.charged_at IS NULL AND NEW.charged_at IS NOT NULL"
            f" AND NOT EXISTS (SELECT 1 FROM {ATTEMPT} a WHERE a.settled_payment = NEW.id"
            " AND a.amount = NEW.amount AND a.currency = NEW.currency)",
            violated_where="settled = 1"
            " AND (settled_amount <> amount OR settled_currency <> currency)",
            shows=("amount", "settled_amount", "currency", "settled_currency"),
        ),
        Rule(
            name="payment_settled",
            promise="A payment has one settled attempt if it is or was charged, otherwise zero.",
            violated_where=_unless_as_often_as("settled", _WAS_CHARGED),
            shows=("settled", "charged_at", "undone_at"),
        ),
        Rule(
            name="payment_undone",
            promise="Only a charged payment is undone.",
            error=NotChargedError,
            refuse_update="OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL"
            " AND OLD.charged_at IS NULL",
        ),
        Rule(
            name="payment_waits",
            promise="A payment is neither cancelled nor undone while an attempt is open.",
            error=AttemptOpenError,
            refuse_update="(OLD.cancelled_at IS NULL AND NEW.cancelled_at IS NOT NULL"
            " OR OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL)"
            f" AND EXISTS (SELECT 1 FROM {ATTEMPT} a WHERE a.open_payment = NEW.id)",
            violated_where=f"opened > 0 AND {_GONE}",
            shows=("opened", "cancelled_at", "undone_at"),
        ),
        Rule(
            name="payment_state",
            promise="A payment is at most one of charged, cancelled and undone.",
            error=PaymentStateError,
            constraint=CheckConstraint(
                condition=Q(charged_at__isnull=True)
                | Q(cancelled_at__isnull=True, undone_at__isnull=True),
                name="payments_charged_or_gone",
            ),
            never="{row}charged_at IS NOT NULL"
            " AND ({row}cancelled_at IS NOT NULL OR {row}undone_at IS NOT NULL)"
            " OR {row}cancelled_at IS NOT NULL AND {row}undone_at IS NOT NULL",
            shows=("charged_at", "cancelled_at", "undone_at"),
        ),
        Rule(
            name="payment_not_negative",
            promise="A payment's amount is zero or more.",
            error=InvalidAmountError,
            constraint=CheckConstraint(condition=Q(amount__gte=0), name="payments_not_negative"),
            never="{row}amount < 0",
            shows=("amount", "currency"),
        ),
        Rule(
            name="payment_known_currency",
            promise="A payment's currency is a known code.",
            violated_where="currency NOT IN ({currencies})",
            shows=("amount", "currency"),
        ),
        Rule(
            name="payment_released",
            promise="A cancelled or undone payment has no line items: they are back in the pool.",
            violated_where=f"items > 0 AND {_GONE}",
            shows=("items", "cancelled_at", "undone_at"),
        ),
        Rule(
            name="payment_kept",
            promise="Only drafts and cancelled payments are deleted.",
            error=PaymentStateError,
            refuse_delete="OLD.sealed_at IS NOT NULL AND OLD.cancelled_at IS NULL",
        ),
        Rule(
            name="journal_created",
            promise="The journal says once how a payment was created.",
            violated_where="created <> 1",
            shows=("created",),
        ),
        Rule(
            name="journal_total",
            promise="The journal's exact total and number are those of the payment's line items.",
            violated_where="created = 1 AND (items <> journal_items OR total <> journal_total)"
            f" AND NOT {_GONE}",
            shows=("items", "journal_items", "total", "journal_total", "currency"),
        ),
        Rule(
            name="journal_amount",
            promise="A payment's amount, even a cancelled one's, is the journal's total, rounded.",
            violated_where="created = 1 AND sealed_at IS NOT NULL"
            f" AND {_is_not_rounded('journal_total')}",
            shows=("amount", "journal_total", "currency"),
            decide=_is_journalled_wrongly,
        ),
        Rule(
            name="journal_charged",
            promise="The journal has one entry for every charge, and for nothing else.",
            violated_where=_unless_as_often_as("charged", _WAS_CHARGED),
            shows=("charged", "charged_at", "undone_at"),
        ),
        Rule(
            name="journal_cancelled",
            promise="The journal has one entry for every cancelled payment, and for no other.",
            violated_where=_unless_as_often_as("cancelled", "cancelled_at IS NOT NULL"),
            shows=("cancelled", "cancelled_at"),
        ),
        Rule(
            name="journal_undone",
            promise="The journal has one entry for every undone payment, and for no other.",
            violated_where=_unless_as_often_as("undone", "undone_at IS NOT NULL"),
            shows=("undone", "undone_at"),
        ),
        Rule(
            name="journal_refunds",
            promise="The journal has one entry for every refund requested, and for its end.",
            violated_where="requested <> refunds OR changed < refunds_ended",
            shows=("refunds", "requested", "refunds_ended", "changed"),
        ),
        Rule(
            name="journal_user",
            promise="Journal entries about a payment name its user.",
            violated_where="others > 0",
            shows=("others",),
        ),
    ),
)
