"""What users with thousands of line items owe: remembered for a minute, so that only news is read.

To sum a hundred thousand line items takes a database tens of milliseconds, to count them by an
index a fifth of that. So the sums are kept in this process, and the next reading counts what is
unbound, sums what has come since, and looks for journal entries: where the number of the others is
the same and no entry is new, their sums are the same, too. An item that commits late has a lower id
than its successors and raises the number; whatever else happens to line items is journalled.

For showing only: whatever is paid is summed anew. A statement that goes round the kit and leaves no
entry, as an administrator of the database may send, is seen after a minute.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Context
from functools import reduce
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

#: Users with fewer unbound line items are read anew each time.
FEWEST = 2_000
#: Users with more groups are, too, so that a process keeps a few megabytes at most.
MOST_GROUPS = 300
_MOST_USERS = 100
_SECONDS = 60
# Wider than any sum, whatever the thread's own context is.
_EXACT = Context(prec=60)


class Alike(NamedTuple):
    """Line items that look the same, as a database returned them."""

    currency: str
    title: str
    unit: str
    unit_price: Any
    uses: Any
    amount: Any
    quantity: Any
    used_from: Any
    used_at: Any


@dataclass(frozen=True, slots=True)
class Tally:
    """The unbound line items of a user, at one moment."""

    #: The first number of the books' version.
    entries: int
    #: The id above which line items are new.
    newest: int
    #: How many are unbound.
    count: int
    #: All of them, the last use first.
    groups: Sequence[Alike]
    #: When they were summed, by ``time.monotonic()``.
    read_at: float

    def with_news(self, newest: int, news: Iterable[Alike]) -> Tally:
        """The same with those that were recorded since."""
        groups = {group[:4]: group for group in self.groups}
        count = self.count
        for group in news:
            count += int(group.uses)
            known = groups.get(group[:4])
            groups[group[:4]] = group if known is None else _joined(known, group)
        ordered = sorted(groups.values(), key=lambda group: group.used_at, reverse=True)
        return Tally(self.entries, newest, count, ordered, self.read_at)

    def totals(self) -> dict[str, tuple[int, Any]]:
        """The number and the sum of the amounts, by currency."""
        found: dict[str, tuple[int, Any]] = {}
        for group in self.groups:
            uses, amount = found.get(group.currency, (0, 0))
            found[group.currency] = uses + int(group.uses), _EXACT.add(amount, group.amount)
        return found


def _joined(old: Alike, new: Alike) -> Alike:
    # As SUM does: what was stored by hand may have a price and no quantity.
    quantities = [each for each in (old.quantity, new.quantity) if each is not None]
    return old._replace(
        uses=int(old.uses) + int(new.uses),
        amount=_EXACT.add(old.amount, new.amount),
        quantity=reduce(_EXACT.add, quantities) if quantities else None,
        used_from=min(old.used_from, new.used_from),
        used_at=max(old.used_at, new.used_at),
    )


_lock = Lock()
# ``None`` for users of whom is only known that they have many line items.
_known: OrderedDict[Hashable, Tally | None] = OrderedDict()


def _key(connection: BaseDatabaseWrapper, owner: Hashable) -> Hashable:
    # Sites that keep each customer in a schema or a database of their own switch them under one
    # alias, and the same ids are other users there.
    at = (str(connection.settings_dict.get(name, "")) for name in ("HOST", "PORT", "NAME"))
    return connection.alias, *at, str(getattr(connection, "schema_name", "")), owner


def has_many(connection: BaseDatabaseWrapper, owner: Hashable) -> bool:
    """Whether the user had many line items when this process last looked."""
    return _may_remember(connection) and _key(connection, owner) in _known


def note_many(connection: BaseDatabaseWrapper, owner: Hashable) -> None:
    """Remember that the user has many line items, and nothing of them."""
    _put(connection, owner, None)


def find(connection: BaseDatabaseWrapper, owner: Hashable) -> Tally | None:
    """What this process knows of the user, unless it is too old."""
    tally = _known.get(_key(connection, owner)) if _may_remember(connection) else None
    return tally if tally and time.monotonic() - tally.read_at < _SECONDS else None


def keep(connection: BaseDatabaseWrapper, owner: Hashable, tally: Tally) -> None:
    """Remember it, where it is worth it and has all groups."""
    is_whole = sum(int(group.uses) for group in tally.groups) == tally.count
    if is_whole and tally.count >= FEWEST and len(tally.groups) <= MOST_GROUPS:
        _put(connection, owner, tally)
    else:
        forget(connection, owner)


def forget(connection: BaseDatabaseWrapper, owner: Hashable) -> None:
    """Forget this user."""
    with _lock:
        _known.pop(_key(connection, owner), None)


def forget_all(**_signal: Any) -> None:
    """Forget everybody, as ``flush`` and ``migrate`` make these processes do: ids begin anew."""
    with _lock:
        _known.clear()


def _put(connection: BaseDatabaseWrapper, owner: Hashable, tally: Tally | None) -> None:
    if not _may_remember(connection):
        return
    key = _key(connection, owner)
    with _lock:
        _known[key] = tally
        _known.move_to_end(key)
        if len(_known) > _MOST_USERS:
            _known.popitem(last=False)


def _may_remember(connection: BaseDatabaseWrapper) -> bool:
    # What a transaction has written itself may be rolled back, and its ids given out again.
    return connection.get_autocommit() and not connection.in_atomic_block
