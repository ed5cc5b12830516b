"""What every page with a widget asks about a user's debts, as SQL.

To build these by the ORM takes longer than to run them.
"""

# ruff: noqa: S608 - only our own tables' names go in
from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from .models import Attempt, JournalEntry, LineItem, Payment

LINEITEM = LineItem._meta.db_table
_JOURNAL = JournalEntry._meta.db_table
_ATTEMPT = Attempt._meta.db_table
#: Of payments that are not paid yet and may be.
IS_PENDING = "charged_at IS NULL AND cancelled_at IS NULL AND undone_at IS NULL"

_NEWEST_ITEMS = f"SELECT id FROM {LINEITEM} WHERE user_id = %s{{}} ORDER BY id DESC LIMIT 50"
#: The version of a user's books. From indexes alone, whatever the number of line items. Of the
#: newest 50, because a slow transaction commits an id that another has overtaken: coming late it
#: replaces a lower one or joins, so that the sums only grow. What makes the second one smaller, a
#: line item that is bound or deleted, is journalled.
VERSION = f"""
    (SELECT COALESCE(SUM(id), 0) FROM
        (SELECT id FROM {_JOURNAL} WHERE user_id = %s ORDER BY id DESC LIMIT 50) AS newest_entries),
    (SELECT COALESCE(SUM(id), 0) FROM ({_NEWEST_ITEMS.format("")}) AS newest_items)
"""


@cache
def told(sql: str, vendor: str) -> str:
    """A statement with ``VERSION`` as this database is told it."""
    if vendor != "postgresql":
        return sql
    # Its index of a user's line items in the order of their ids has the unbound ones only.
    unbound = " AND payment_id IS NULL"
    return sql.replace(_NEWEST_ITEMS.format(""), _NEWEST_ITEMS.format(unbound))


# Each pending payment, with its line items: a LEFT JOIN, since SQLite may begin an inner one with
# everybody's line items. A table that is partitioned by user wants to be told whose they are.
_PENDING_TOTALS = f"""
SELECT CASE WHEN attempt.id IS NULL THEN 'idle' ELSE 'open' END,
    payment.currency, COUNT(lineitem.id), SUM(lineitem.amount), COALESCE(attempt.received_amount, 0)
FROM (
    SELECT id, user_id, currency FROM {Payment._meta.db_table} WHERE user_id = %s AND {IS_PENDING}
) AS payment
LEFT JOIN {LINEITEM} AS lineitem
    ON lineitem.payment_id = payment.id AND lineitem.user_id = payment.user_id
LEFT JOIN {_ATTEMPT} AS attempt ON attempt.open_payment = payment.id
GROUP BY payment.id, payment.currency, attempt.id, attempt.received_amount
HAVING COUNT(lineitem.id) > 0
"""
#: The version, unbound line items by currency, and those of each pending payment. Takes the user
#: four times.
OWED = f"""
SELECT 'version', '', {VERSION}, 0
UNION ALL
SELECT 'unbound', currency, COUNT(*), SUM(amount), 0 FROM {LINEITEM}
WHERE payment_id IS NULL AND user_id = %s GROUP BY currency
UNION ALL
{_PENDING_TOTALS}
"""
# The same columns as those of line items by what they are: what follows the totals in a row.
_NO_GROUP = "'', '', NULL, 0, 0, NULL, NULL, NULL"


def _alike(vendor: str, condition: str) -> str:
    """Line items by what they are, with what they sum up to: columns as in ``tallies.Alike``.

    Texts are compared byte by byte, also where MariaDB's collation takes "frame" for "Frame".
    """
    sums = """COUNT(*) AS uses, SUM(amount) AS amount, SUM(quantity) AS quantity,
        MIN(used_at) AS used_from, MAX(used_at) AS used_at"""
    if vendor != "mysql":
        return f"""SELECT currency, title, unit, unit_price, {sums}
        FROM {LINEITEM} WHERE {condition} GROUP BY currency, title, unit, unit_price"""
    # A group by texts is a row as wide as they may be, kept on disk; by a hash it is a few bytes.
    # It takes no longer than checksums, which whoever writes titles could make collide.
    return f"""SELECT tally.currency, item.title, item.unit, item.unit_price, tally.uses,
            tally.amount, tally.quantity, tally.used_from, tally.used_at
        FROM (
            SELECT currency, {sums}, MAX(id) AS newest FROM {LINEITEM} WHERE {condition}
            GROUP BY currency, UNHEX(SHA1(CONCAT(title, CHAR(0), unit))), unit_price
        ) AS tally JOIN {LINEITEM} AS item ON item.id = tally.newest"""


_UNBOUND = "payment_id IS NULL AND user_id = %s"
# One row of the books: their version, and the newest line item.
_BOOKS = f"""SELECT 'version', '', {VERSION}, 0,
    (SELECT COALESCE(MAX(id), 0) FROM ({_NEWEST_ITEMS.format("")}) AS newest), {_NO_GROUP}"""
_PENDING = f"SELECT owed.*, 0, {_NO_GROUP} FROM ({_PENDING_TOTALS}) AS owed"


# Groups come first, since the first part of a union says of what type its columns are.
_LISTED = """
SELECT * FROM (
    SELECT 'unbound' AS kind, currency, SUM(uses) OVER own AS uses_of_all, SUM(amount) OVER own
        AS amount_of_all, 0 AS arrived, ROW_NUMBER() OVER (
            PARTITION BY currency ORDER BY used_at DESC, title, unit, unit_price
        ) AS place, title, unit, unit_price, uses, amount, quantity, used_from, used_at
    FROM ({groups}) AS alike WINDOW own AS (PARTITION BY currency)
) AS placed WHERE place = 1 OR currency = %s AND place > %s AND place <= %s
    OR uses_of_all >= %s AND place <= %s
UNION ALL {books}
UNION ALL {pending}
"""
_NEWS = """
SELECT 'unbound' AS kind, currency, 0 AS uses_of_all, 0 AS amount_of_all, 0 AS arrived, 0 AS place,
    title, unit, unit_price, uses, amount, quantity, used_from, used_at
FROM ({groups}) AS alike
UNION ALL {books}
UNION ALL SELECT 'count', '', COUNT(*), 0, 0, 0, {no_group} FROM {lineitem} WHERE {unbound}
UNION ALL {pending}
"""
_GROUPS = """
SELECT * FROM ({groups}) AS alike
ORDER BY used_at DESC, title, unit, unit_price LIMIT %s OFFSET %s
"""


def _on_each(template: str, condition: str) -> Mapping[str, str]:
    names = {"unbound": _UNBOUND, "lineitem": LINEITEM, "no_group": _NO_GROUP}
    parts = {"books": _BOOKS, "pending": _PENDING, **names}
    return {
        vendor: told(template.format(groups=_alike(vendor, condition), **parts), vendor)
        for vendor in ("postgresql", "sqlite", "mysql")
    }


#: As ``OWED``, and one page of the unbound line items by what they are, by the database's vendor.
#: These are read once, and their totals are sums of the groups. At least the first group of each
#: currency brings its total along. Of users with many line items, the first groups of each
#: currency come beside the page, to be remembered. Takes the user; the currency, the places of the
#: last group before the page and of its last one; how many line items are many, and how many groups
#: then come; and the user four times.
LISTED = _on_each(_LISTED, _UNBOUND)
#: What ``LISTED`` says, of the line items above an id alone; and how many are unbound. Takes the
#: user and the id, and the user five times.
NEWS = _on_each(_NEWS, f"{_UNBOUND} AND id > %s")
_MINE = "user_id = %s AND currency = %s AND payment_id"
#: Line items by what they are, the last use first: unbound, or those of a payment. Takes the user,
#: the currency, the payment if they are of one, how many groups, and how many before.
UNBOUND_GROUPS = _on_each(_GROUPS, f"{_MINE} IS NULL")
GROUPS_OF_PAYMENT = _on_each(_GROUPS, f"{_MINE} = %s")
