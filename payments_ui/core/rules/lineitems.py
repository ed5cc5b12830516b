"""Rules of line items, bound or not."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import CheckConstraint, Q

from payments_ui import money
from payments_ui.core.privacy.redaction import ANONYMIZED
from payments_ui.exceptions import (
    InvalidAmountError,
    KeyConflictError,
    LineItemBoundError,
    LineItemError,
)

from .rule import LINEITEM, PAYMENT, Row, Rule, TableRules, text
from .unique import UniqueWhereSet

# ruff: noqa: S608 - only our own tables' names go in
# A draft of its user, and of its currency where that has one already.
_NO_DRAFT = f"""NOT EXISTS (SELECT 1 FROM {PAYMENT} p
    WHERE p.id = NEW.payment_id AND p.sealed_at IS NULL AND p.user_id = NEW.user_id
    AND p.currency IN ('', NEW.currency) {{share}})"""
_KEEPS_ITEMS = f"""NOT EXISTS (SELECT 1 FROM {PAYMENT} p WHERE p.id = OLD.payment_id
    AND (p.sealed_at IS NULL OR p.cancelled_at IS NOT NULL OR p.undone_at IS NOT NULL) {{share}})"""

_MOST = Decimal(10) ** money.INTEGER_DIGITS - Decimal(1).scaleb(-money.DECIMAL_PLACES)

# SQLite multiplies beyond 64 bits as floats, which are as good as exact below a million.
_IS_NO_PRODUCT = """quantity IS NULL OR unit_price IS NULL OR ABS(amount) >= 1000000 * {one}
    OR ABS(amount - 1.0 * quantity * unit_price / {one}) * 100000000 >= 0.4 * {one}"""


def _is_no_product(row: Row) -> bool:
    try:
        money.check_product(row["amount"], row["quantity"], row["unit_price"], row["unit"])
    except LineItemError:
        return True
    return False


#: The unique index of user and key.
ONCE = "payments_item_once"

BOUND = Rule(
    name="lineitem_bound",
    promise="A line item is bound only to a draft of its own user and currency.",
    error=LineItemBoundError,
    refuse_insert=f"NEW.payment_id IS NOT NULL AND {_NO_DRAFT}",
    refuse_update=f"OLD.payment_id IS NULL AND NEW.payment_id IS NOT NULL AND {_NO_DRAFT}",
)
RELEASED = Rule(
    name="lineitem_released",
    promise="A line item leaves only drafts and cancelled or undone payments.",
    error=LineItemBoundError,
    refuse_update=f"OLD.payment_id IS NOT NULL AND NEW.payment_id IS NULL AND {_KEEPS_ITEMS}",
)

LINEITEMS = TableRules(
    table=LINEITEM,
    money=frozenset({"amount", "quantity", "unit_price"}),
    watched={
        "INSERT": "NEW.payment_id IS NOT NULL",
        "UPDATE": "OLD.payment_id IS NOT NULL OR NEW.payment_id IS NOT NULL",
        "DELETE": "OLD.payment_id IS NOT NULL",
    },
    rules=(
        Rule(
            name="lineitem_frozen",
            promise="A bound line item keeps its user, title, dates, price, currency and key.",
            error=LineItemBoundError,
            refuse_update="OLD.payment_id IS NOT NULL"
            " AND ({changed[id,user_id,created_at,used_at,amount,currency,key]}"
            " OR {changed[quantity,unit,unit_price]}"
            f" OR {{changed[title]}} AND NEW.title <> {text(ANONYMIZED)})",
        ),
        Rule(
            name="lineitem_moved",
            promise="A line item does not go from one payment to another.",
            error=LineItemBoundError,
            refuse_update="OLD.payment_id IS NOT NULL AND NEW.payment_id IS NOT NULL"
            " AND {changed[payment_id]}",
        ),
        BOUND,
        RELEASED,
        Rule(
            name="lineitem_kept",
            promise="A bound line item is not deleted.",
            error=LineItemBoundError,
            refuse_delete="OLD.payment_id IS NOT NULL",
        ),
        Rule(
            name="lineitem_once",
            promise="A user's key is recorded once.",
            error=KeyConflictError,
            # Of all rows on PostgreSQL, where it is the index of the user's line items, too.
            constraint=UniqueWhereSet(
                fields=("user", "key"), name=ONCE, key="key", all_on="postgresql"
            ),
        ),
        Rule(
            name="lineitem_number",
            promise="Amount, quantity and unit price of a line item are finite numbers.",
            error=InvalidAmountError,
            # A NaN is above all numbers to PostgreSQL, and a text to SQLite.
            constraint=CheckConstraint(
                condition=Q(amount__lte=_MOST)
                & (Q(quantity__isnull=True) | Q(quantity__lte=_MOST))
                & (Q(unit_price__isnull=True) | Q(unit_price__lte=_MOST)),
                name="payments_item_numbers",
            ),
        ),
        Rule(
            name="lineitem_currency",
            promise="All line items are in known currencies; the first that is not is named.",
            source="SELECT MIN(id) AS id, currency, COUNT(*) AS items"
            f" FROM {LINEITEM} GROUP BY currency",
            violated_where="currency NOT IN ({currencies})",
            shows=("currency", "items"),
        ),
        Rule(
            name="lineitem_product",
            promise="An amount with a quantity is its product with the unit price.",
            source=f"SELECT id, amount, quantity, unit, unit_price FROM {LINEITEM}"
            " WHERE quantity IS NOT NULL OR unit_price IS NOT NULL OR unit <> ''",
            violated_where=_IS_NO_PRODUCT,
            shows=("amount", "quantity", "unit", "unit_price"),
            decide=_is_no_product,
        ),
        Rule(
            name="lineitem_payment",
            promise="The payment to which a line item is bound exists.",
            source=f"SELECT l.id, l.payment_id FROM {LINEITEM} l"
            f" LEFT JOIN {PAYMENT} p ON p.id = l.payment_id"
            " WHERE l.payment_id IS NOT NULL AND p.id IS NULL",
            violated_where="payment_id IS NOT NULL",
            shows=("payment_id",),
        ),
    ),
)
