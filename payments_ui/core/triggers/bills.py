"""What the database refuses to do to payments and line items."""

from __future__ import annotations

from payments_ui.exceptions import (
    AlreadyChargedError,
    AttemptOpenError,
    LineItemBoundError,
    NotChargedError,
    PaymentGoneError,
    PaymentStateError,
    RuleBrokenError,
)

from .rule import ATTEMPT, DELETE, INSERT, LINEITEM, PAYMENT, UPDATE, Rule

# ruff: noqa: S608 - only our own tables' names go in
# Its user, and its currency where it has one already.
_NO_DRAFT = f"""NOT EXISTS (SELECT 1 FROM {PAYMENT} p
    WHERE p.id = NEW.payment_id AND p.sealed_at IS NULL AND p.user_id = NEW.user_id
    AND p.currency IN ('', NEW.currency) {{share}})"""
_KEEPS_ITEMS = f"""NOT EXISTS (SELECT 1 FROM {PAYMENT} p WHERE p.id = OLD.payment_id
    AND (p.sealed_at IS NULL OR p.cancelled_at IS NOT NULL OR p.undone_at IS NOT NULL) {{share}})"""
_UNPAID = f"""NOT EXISTS (SELECT 1 FROM {ATTEMPT} a WHERE a.settled_payment = NEW.id
    AND a.amount = NEW.amount AND a.currency = NEW.currency)"""
_WAITS = f"EXISTS (SELECT 1 FROM {ATTEMPT} a WHERE a.open_payment = NEW.id)"

PAYMENTS = (
    Rule(
        *("payment_born", PAYMENT),
        "A payment begins as a draft: not sealed, charged, cancelled or undone.",
        PaymentStateError,
        {
            INSERT: "NEW.sealed_at IS NOT NULL OR NEW.charged_at IS NOT NULL"
            " OR NEW.cancelled_at IS NOT NULL OR NEW.undone_at IS NOT NULL"
        },
    ),
    Rule(
        *("payment_frozen", PAYMENT),
        "A payment keeps its id and user; sealed, its amount, currency and dates.",
        PaymentStateError,
        {
            UPDATE: "{changed[id,user_id]} OR OLD.sealed_at IS NOT NULL"
            " AND {changed[amount,currency,created_at,sealed_at]}"
        },
    ),
    Rule(
        *("payment_sum", PAYMENT),
        "A payment is sealed with the sum of its line items, all of its user and currency.",
        RuleBrokenError,
        {UPDATE: "OLD.sealed_at IS NULL AND NEW.sealed_at IS NOT NULL AND NOT {adds_up}"},
    ),
    Rule(
        *("payment_draft", PAYMENT),
        "A draft is sealed before it is charged, cancelled or undone.",
        PaymentStateError,
        {UPDATE: "OLD.sealed_at IS NULL AND {changed[charged_at,cancelled_at,undone_at]}"},
    ),
    Rule(
        *("payment_gone", PAYMENT),
        "A cancelled or undone payment stays cancelled or undone.",
        PaymentGoneError,
        {
            UPDATE: "(OLD.cancelled_at IS NOT NULL OR OLD.undone_at IS NOT NULL)"
            " AND {changed[charged_at,cancelled_at,undone_at]}"
        },
    ),
    Rule(
        *("payment_charged", PAYMENT),
        "A charged payment keeps that moment, unless it is undone.",
        AlreadyChargedError,
        {
            UPDATE: "OLD.charged_at IS NOT NULL AND {changed[charged_at,cancelled_at,undone_at]}"
            " AND (NEW.charged_at IS NOT NULL OR NEW.cancelled_at IS NOT NULL"
            " OR NEW.undone_at IS NULL)"
        },
    ),
    Rule(
        *("payment_paid", PAYMENT),
        "A payment is charged when an attempt is settled for exactly its amount.",
        RuleBrokenError,
        {UPDATE: f"OLD.charged_at IS NULL AND NEW.charged_at IS NOT NULL AND {_UNPAID}"},
    ),
    Rule(
        *("payment_undone", PAYMENT),
        "Only a charged payment is undone.",
        NotChargedError,
        {UPDATE: "OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL AND OLD.charged_at IS NULL"},
    ),
    Rule(
        *("payment_waits", PAYMENT),
        "A payment is neither cancelled nor undone while an attempt is open.",
        AttemptOpenError,
        {
            UPDATE: "(OLD.cancelled_at IS NULL AND NEW.cancelled_at IS NOT NULL"
            f" OR OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL) AND {_WAITS}"
        },
    ),
    Rule(
        *("payment_kept", PAYMENT),
        "Only drafts and cancelled payments are deleted.",
        PaymentStateError,
        {DELETE: "OLD.sealed_at IS NOT NULL AND OLD.cancelled_at IS NULL"},
    ),
)

LINEITEMS = (
    Rule(
        *("lineitem_frozen", LINEITEM),
        "A bound line item keeps its user, amount, currency and key.",
        LineItemBoundError,
        {UPDATE: "OLD.payment_id IS NOT NULL AND {changed[id,user_id,amount,currency,key]}"},
    ),
    Rule(
        *("lineitem_moved", LINEITEM),
        "A line item does not go from one payment to another.",
        LineItemBoundError,
        {
            UPDATE: "OLD.payment_id IS NOT NULL AND NEW.payment_id IS NOT NULL"
            " AND {changed[payment_id]}"
        },
    ),
    Rule(
        *("lineitem_bound", LINEITEM),
        "A line item is bound only to a draft of its own user and currency.",
        LineItemBoundError,
        {
            INSERT: f"NEW.payment_id IS NOT NULL AND {_NO_DRAFT}",
            UPDATE: f"OLD.payment_id IS NULL AND NEW.payment_id IS NOT NULL AND {_NO_DRAFT}",
        },
    ),
    Rule(
        *("lineitem_released", LINEITEM),
        "A line item leaves only drafts and cancelled or undone payments.",
        LineItemBoundError,
        {UPDATE: f"OLD.payment_id IS NOT NULL AND NEW.payment_id IS NULL AND {_KEEPS_ITEMS}"},
    ),
    Rule(
        *("lineitem_kept", LINEITEM),
        "A bound line item is not deleted.",
        LineItemBoundError,
        {DELETE: "OLD.payment_id IS NOT NULL"},
    ),
)
