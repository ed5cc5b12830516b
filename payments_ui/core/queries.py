"""What a user owes: read in a constant number of queries and with exact totals."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import connections, router
from django.db.models import Count, Func, OuterRef, Subquery, Sum
from django.db.models.lookups import Exact

from payments_ui import money

from . import owed_sql, tallies
from .disputes.model import DisputeQuerySet
from .models import (
    Arrival,
    Attempt,
    Dispute,
    LineItem,
    Payment,
    Recovery,
    Refund,
    SuspenseItem,
)
from .refunds.model import RefundQuerySet
from .tallies import Alike, Tally

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.backends.base.base import BaseDatabaseWrapper

    class PendingPayment(Payment):
        """A payment as ``pending_payments`` reads it."""

        #: Whether it has an open attempt.
        is_processing: bool
        #: Whether it was declined while its user was not there.
        was_declined: bool


#: Parts of a transfer that a widget names; more than two are rare.
_MOST_PARTS = 20
#: Two columns of any statement, which ``told`` puts in words. Takes the user's primary key twice,
#: ``version_text`` reads it.
VERSION = owed_sql.VERSION
told = owed_sql.told
_PENDING = f"""
SELECT payment.*, EXISTS (
    SELECT 1 FROM {Attempt._meta.db_table} WHERE open_payment = payment.id
) AS is_processing, EXISTS (
    SELECT 1 FROM {Recovery._meta.db_table} WHERE payment_id = payment.id
) AS was_declined
FROM {Payment._meta.db_table} AS payment
WHERE user_id = %s AND (%s = '' OR currency = %s) AND {owed_sql.IS_PENDING}
ORDER BY created_at DESC LIMIT %s
"""  # noqa: S608 - only our own tables' names go in


@dataclass(frozen=True, slots=True)
class Total:
    """What a user owes in one currency: unbound line items, and those of pending payments.

    ``count`` and ``amount``, which is exact, are those of the unbound ones. Pending payments are
    *idle*, or *open* where an attempt is open; their amounts are what their payments ask for,
    without the parts of transfers that arrived.
    """

    currency: str
    count: int = 0
    amount: Decimal = Decimal(0)
    idle_count: int = 0
    idle_amount: Decimal = Decimal(0)
    open_count: int = 0
    open_amount: Decimal = Decimal(0)

    @property
    def payable(self) -> Decimal:
        """What a payment of all unbound items would ask for: rounded once to the minor unit."""
        return money.round_amount(self.amount, self.currency)

    @property
    def is_credit(self) -> bool:
        """Whether the unbound items are more credit than charges."""
        return self.amount < 0

    @property
    def credit(self) -> Decimal:
        """The credit, as a positive amount."""
        return max(-self.payable, Decimal(0))

    @property
    def is_too_small(self) -> bool:
        """Whether the unbound items' amount is above zero, but rounds to nothing."""
        return self.amount > 0 and not self.payable

    @property
    def to_continue(self) -> Decimal:
        """What the user can continue to pay: idle payments and unbound items. A credit waits."""
        return self.idle_amount + max(self.payable, Decimal(0))

    @property
    def is_payable(self) -> bool:
        """Whether there is anything that the user can continue to pay, or settle."""
        is_open = bool(self.count) and not self.is_credit and not self.is_too_small
        return is_open or bool(self.idle_count)

    @property
    def owed(self) -> Decimal:
        """What is not paid yet, pending payments included."""
        return self.open_amount + self.to_continue

    @property
    def owed_count(self) -> int:
        """How many line items make ``owed``."""
        return self.idle_count + self.open_count + (0 if self.is_credit else self.count)


@dataclass(frozen=True, slots=True)
class Owed:
    """What a user owes, by currency in the order of their codes, at a ``version`` of the books.

    ``payments`` is the number of pending payments.
    """

    totals: list[Total]
    version: str
    payments: int = 0


class _Bytes(Func):
    """A text that is compared byte by byte, also where MariaDB's collation does not."""

    template = "%(expressions)s"

    def as_mysql(  # runs on MariaDB only
        self, compiler: Any, connection: Any, **context: Any
    ) -> Any:
        return self.as_sql(compiler, connection, template="BINARY %(expressions)s", **context)


class Look(NamedTuple):
    """What the line items of one group have in common, beside their currency."""

    title: str
    unit: str
    unit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Group:
    """Line items of one title, currency, unit and unit price; amount and quantity are sums."""

    currency: str
    title: str
    unit: str
    unit_price: Decimal | None
    count: int
    amount: Decimal
    quantity: Decimal | None
    #: The first and the last use.
    used_from: dt.datetime
    used_at: dt.datetime

    @property
    def look(self) -> Look:
        """By what its items are found."""
        return Look(self.title, self.unit, self.unit_price)

    @property
    def calculation(self) -> str:
        """How the amount comes about, for people; empty for amounts alone."""
        return money.format_product(self.quantity, self.unit, self.unit_price, self.currency)


def owed(user: AbstractBaseUser) -> Owed:
    """What the user owes, pending payments included, and the ``version``. One query.

    Two at most for a user with thousands of line items, as in ``owed_and_groups``.
    """
    connection, owner = reader(user)
    if tallies.has_many(connection, owner):
        return owed_and_groups(user, "", limit=0)[0]
    rows = _all(connection, told(owed_sql.OWED, connection.vendor), [owner] * 4)
    if any(row[0] == "unbound" and row[2] >= tallies.FEWEST for row in rows):
        tallies.note_many(connection, owner)
    return _owed(rows, connection)


def owed_and_groups(
    user: AbstractBaseUser, currency: str, *, limit: int, offset: int = 0
) -> tuple[Owed, list[Group]]:
    """What ``owed`` and ``groups`` say of the same moment, in one query.

    For a user with thousands of line items, it reads what is new since this process has last
    summed them, if that was within a minute; and all of them in a second query, where others than
    new ones have changed.
    """
    connection, owner = reader(user)
    known = tallies.find(connection, owner)
    found = None if known is None else _with_news(connection, owner, known)
    if found is None:
        return _listed(connection, owner, currency, limit=limit, offset=offset)
    owed, tally = found
    mine = [group for group in tally.groups if group.currency == currency]
    return owed, _groups(mine[offset : offset + limit], connection)


def _listed(
    connection: BaseDatabaseWrapper, owner: Any, currency: str, *, limit: int, offset: int
) -> tuple[Owed, list[Group]]:
    read_at = time.monotonic()
    most = tallies.MOST_GROUPS
    parameters = [owner, currency, offset, offset + limit, tallies.FEWEST, most + 1, *[owner] * 4]
    rows = _all(connection, owed_sql.LISTED[connection.vendor], parameters)
    unbound = sorted((row for row in rows if row[0] == "unbound"), key=itemgetter(5))
    # The first group of a currency stands for its total.
    totals = [row for row in unbound if row[5] == 1]
    count = sum(int(row[2]) for row in totals)
    if count >= tallies.FEWEST or tallies.has_many(connection, owner):
        (books,) = (row for row in rows if row[0] == "version")
        groups = [Alike(row[1], *row[6:]) for row in unbound]
        tallies.keep(connection, owner, Tally(int(books[2]), int(books[5]), count, groups, read_at))
    page = [
        Alike(currency, *row[6:])
        for row in unbound
        if row[1] == currency and offset < row[5] <= offset + limit
    ]
    owed = _owed([*totals, *(row for row in rows if row[0] != "unbound")], connection)
    return owed, _groups(page, connection)


def _with_news(
    connection: BaseDatabaseWrapper, owner: Any, known: Tally
) -> tuple[Owed, Tally] | None:
    """What is owed, and what is known with what is new; ``None`` where others have changed."""
    parameters = [owner, known.newest, *[owner] * 5]
    rows = _all(connection, owed_sql.NEWS[connection.vendor], parameters)
    (books,) = (row for row in rows if row[0] == "version")
    ((count, *_rest),) = (row[2:] for row in rows if row[0] == "count")
    news = [Alike(row[1], *row[6:]) for row in rows if row[0] == "unbound"]
    tally = known.with_news(int(books[5]), news)
    if (books[2], count) != (known.entries, tally.count):
        return None
    tallies.keep(connection, owner, tally)
    totals = [("unbound", currency, *sums, 0) for currency, sums in tally.totals().items()]
    others = [row for row in rows if row[0] not in ("unbound", "count")]
    return _owed([*totals, *others], connection), tally


def _all(connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _owed(rows: Iterable[Sequence[Any]], connection: BaseDatabaseWrapper) -> Owed:
    exact = LineItem._meta.get_field("amount")
    version, payments = "", 0
    totals: dict[str, Total] = {}
    for kind, currency, count, stored, arrived, *_group_of in rows:
        if kind == "version":
            version = version_text(count, stored)
            continue
        payments += kind != "unbound"
        amount = exact.from_db_value(stored, None, connection) or Decimal(0)
        total = totals.setdefault(currency, Total(currency))
        totals[currency] = _add(total, kind, int(count), amount, Decimal(str(arrived)))
    return Owed([totals[currency] for currency in sorted(totals)], version, payments)


def _groups(rows: Iterable[Alike], connection: BaseDatabaseWrapper) -> list[Group]:
    exact = LineItem._meta.get_field("amount").from_db_value
    moment = LineItem._meta.get_field("used_at").get_col(owed_sql.LINEITEM)
    converters = connection.ops.get_db_converters(moment)
    groups = []
    for currency, title, unit, price, uses, amount, quantity, used_from, used_at in rows:
        for convert in converters:
            used_from = convert(used_from, moment, connection)
            used_at = convert(used_at, moment, connection)
        groups.append(
            Group(
                currency,
                title,
                unit,
                None if price is None else exact(price, None, connection),
                int(uses),
                exact(amount, None, connection) or Decimal(0),
                None if quantity is None else exact(quantity, None, connection),
                used_from,
                used_at,
            )
        )
    return groups


def _add(total: Total, kind: str, count: int, amount: Decimal, arrived: Decimal) -> Total:
    if kind == "unbound":
        return replace(total, count=count, amount=amount)
    # As the payment asks for it: the exact sum, rounded once, without the parts that arrived.
    asked = money.padded(money.round_amount(amount, total.currency) - arrived, total.currency)
    if kind == "idle":
        idle_amount = total.idle_amount + asked
        return replace(total, idle_count=total.idle_count + count, idle_amount=idle_amount)
    open_amount = total.open_amount + asked
    return replace(total, open_count=total.open_count + count, open_amount=open_amount)


def pending_payments(
    user: AbstractBaseUser, currency: str = "", *, limit: int
) -> list[PendingPayment]:
    """Return the payments that are not charged yet, newest first, in any currency or this one.

    One query.
    """
    _connection, owner = reader(user)
    rows: Any = Payment.all_objects.raw(_PENDING, [owner, currency, currency, limit])
    return list(rows)


def payment(user: AbstractBaseUser, pk: UUID) -> Payment | None:
    """The user's payment, with its open attempt, as both are at one moment. Two queries.

    The attempt is read first: whatever ends it meanwhile has been written into the payment that is
    read after it. The other way round, what was just charged would seem to wait for its customer.
    """
    opened = Attempt.objects.open().filter(payment=pk).first()
    mine = Payment.objects.filter(user=user.pk)
    found: Payment | None = (
        mine.select_related("user", "recovery__payment_method").filter(pk=pk).first()
    )
    if found is not None:
        found.knows_open_attempt(opened)
    return found


def newer(payment: Payment) -> Total | None:
    """Unbound line items recorded since the payment was made, in its currency. One query."""
    newer_items = LineItem.objects.unbound().filter(
        user=payment.user_id, currency=payment.currency, created_at__gt=payment.created_at
    )
    row = newer_items.aggregate(count=Count("id"), amount=Sum("amount"))
    return Total(payment.currency, **row) if row["count"] else None


def groups(
    user: AbstractBaseUser,
    currency: str,
    *,
    limit: int,
    offset: int = 0,
    payment: Payment | None = None,
) -> list[Group]:
    """Line items by title, unit and price, the last use first: unbound, or those of ``payment``.

    One query.
    """
    connection, owner = reader(user)
    parameters, statements = [owner, currency], owed_sql.UNBOUND_GROUPS
    if payment is not None:
        statements = owed_sql.GROUPS_OF_PAYMENT
        parameters.append(Payment._meta.pk.get_db_prep_value(payment.pk, connection))
    rows = _all(connection, statements[connection.vendor], [*parameters, limit, offset])
    return _groups(map(Alike._make, rows), connection)


def items(
    user: AbstractBaseUser,
    currency: str,
    *,
    limit: int,
    offset: int = 0,
    payment: Payment | None = None,
    look: Look | None = None,
) -> list[LineItem]:
    """Line items, the last use first: unbound, or those of ``payment``. One query.

    With ``look`` only those of that group.
    """
    rows = LineItem.objects.filter(user=user.pk, currency=currency, payment=payment)
    if look is not None:
        rows = rows.filter(Exact(_Bytes("title"), look.title), Exact(_Bytes("unit"), look.unit))
        rows = rows.filter(unit_price=look.unit_price)
    return list(rows.order_by("-used_at", "-pk")[offset : offset + limit])


def arrivals(attempt: Attempt) -> list[Arrival]:
    """The newest parts that arrived for an attempt, oldest first. One query."""
    rows = attempt.arrivals.select_related("event").order_by("-booked_at", "-pk")
    return list(rows[:_MOST_PARTS])[::-1]


@dataclass(slots=True)
class Arrived:
    """What arrived for a payment: what charged it, and what was beyond what it asked for.

    ``settled`` has its payment method. Each surplus has its ``review``, the state of its suspense
    item, and the moment ``reviewed_at``.
    """

    payment: Payment
    settled: Attempt | None = None
    surpluses: list[Attempt] = field(default_factory=list)

    @property
    def paid(self) -> Decimal:
        """What of its amount arrived, in units of its currency: without what was written off."""
        received = Decimal(0) if self.settled is None else self.settled.received
        return money.padded(received, self.payment.currency)

    @property
    def waived(self) -> Decimal:
        """What of its amount was written off, in the same units."""
        written_off = Decimal(0) if self.settled is None else self.settled.written_off
        return money.padded(written_off, self.payment.currency)


def arrived(payments: Sequence[Payment]) -> dict[UUID, Arrived]:
    """What arrived for each of these payments, by their ids. One query."""
    items = SuspenseItem.objects.filter(attempt=OuterRef("pk"), kind=SuspenseItem.Kind.SURPLUS)
    rows = Attempt.objects.filter(
        payment__in=[payment.pk for payment in payments],
        state__in=(Attempt.State.SETTLED, Attempt.State.SURPLUS),
    ).annotate(
        review=Subquery(items.values("state")[:1]),
        reviewed_at=Subquery(items.values("closed_at")[:1]),
    )
    found = {payment.pk: Arrived(payment) for payment in payments}
    for attempt in rows.select_related("payment_method").order_by("started_at", "pk"):
        if attempt.state == Attempt.State.SETTLED:
            found[attempt.payment_id].settled = attempt
        else:
            found[attempt.payment_id].surpluses.append(attempt)
    return found


def refunds() -> RefundQuerySet:
    """Refunds of what charged a payment, given back or on their way, oldest first.

    Unexpected money that was sent back is no refund of what was paid.
    """
    rows: Any = Refund.objects.reserving().filter(attempt__state=Attempt.State.SETTLED)
    return rows.select_related("attempt").order_by("requested_at", "pk")  # type: ignore[no-any-return]


def disputes() -> DisputeQuerySet:
    """Disputes of what charged a payment, oldest first.

    Without inquiries that have ended: no money was taken.
    """
    rows: Any = Dispute.objects.filter(attempt__state=Attempt.State.SETTLED)
    return rows.exclude(state=Dispute.State.CLOSED).order_by("opened_at", "pk")  # type: ignore[no-any-return]


def is_refunded(payment: Payment, of_payment: Sequence[Refund]) -> bool:
    """Whether these refunds have given back all that was paid."""
    return bool(payment.amount and of_payment) and not _left(of_payment)


def recovery_of(payment: Payment) -> Recovery | None:
    """What is done about a payment that was declined without its user; read with the payment.

    No query: ``None`` also where the payment was read without its ``recovery``.
    """
    found: Recovery | None = payment._state.fields_cache.get("recovery")
    return found


def recoveries_of(payments: Iterable[PendingPayment]) -> dict[Any, Recovery]:
    """The same of several, by their ids. One query, where any was declined."""
    declined = [payment.pk for payment in payments if payment.was_declined]
    if not declined:
        return {}
    rows = Recovery.objects.filter(payment__in=declined)
    return {row.payment_id: row for row in rows.select_related("payment", "payment_method")}


def net(payment: Payment, of_payment: Sequence[Refund]) -> Decimal | None:
    """What stays paid where these refunds have given a part back; else ``None``."""
    if all(refund.is_open for refund in of_payment):
        return None
    return money.padded(_left(of_payment), payment.currency) or None


def _left(of_payment: Sequence[Refund]) -> Decimal:
    """What arrived and was not given back: a rest that was written off never arrived."""
    done = (refund.amount for refund in of_payment if not refund.is_open)
    return of_payment[0].attempt.received - sum(done, start=Decimal(0))


def version(user: AbstractBaseUser) -> str:
    """Return a text that changes whenever the user's line items or payments do, and grows.

    Two numbers, the first of which counts more: made of the ids of the newest journal entries,
    and of the newest line items, since everything else that happens is journalled in its own
    transaction. Reveals no amounts. One query on two indexes.
    """
    connection, owner = reader(user)
    with connection.cursor() as cursor:
        cursor.execute(told(f"SELECT {VERSION}", connection.vendor), [owner, owner])
        return version_text(*cursor.fetchone())


def version_text(entries: Decimal, items: Decimal) -> str:
    """The version whose two columns a statement with ``VERSION`` has read."""
    return f"{int(entries)}.{int(items)}"


def reader(user: AbstractBaseUser) -> tuple[BaseDatabaseWrapper, Any]:
    """Where the user's books are read, and the user's primary key as that database takes it."""
    connection = connections[router.db_for_write(LineItem, instance=user)]
    return connection, LineItem._meta.get_field("user").get_db_prep_save(user.pk, connection)
