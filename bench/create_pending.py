"""`create_pending` beside the ancestor's, and beside the bare statements that it sends."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol

import user_payments.models as ancestor
from django.contrib.auth.models import User
from django.db import connection, transaction

from bench import data, database, table
from bench.table import Row
from bench.timing import Race, peak_memory, timed
from payments_ui.core.models import LineItem, Payment

#: Unbound line items of a user: repeats of the race.
SIZES: Mapping[int, int] = {10: 200, 1_000: 60, 100_000: 7}
QUICK: Mapping[int, int] = {10: 4, 1_000: 2}
APART_REPEATS = 3

MOST_QUERIES = 6
#: At most so many times the time of the bare statements.
BESIDE_BARE = 1.3
#: Memory at the largest size, beside that at the smallest.
FLAT = 1.2
#: At most so many times the ancestor's time, by number of line items. Both send the same UPDATE of
#: all of them: even the bare statements take a sixth of the ancestor's time or more on SQLite, and
#: half of it on servers, which look up the foreign key of each row.
BESIDE_ANCESTOR: Mapping[int, float] = {10: 1, 1_000: 1, 100_000: 1 / 3}
BESIDE_ANCESTOR_ON_SERVERS: Mapping[int, float] = {10: 1, 1_000: 1, 100_000: 1}
#: The same where the statements of both are left out: at least eight times faster at 100 000.
APART: Mapping[int, float] = {10: 1, 1_000: 1, 100_000: 1 / 8}

_TABLES = (LineItem, Payment, ancestor.LineItem, ancestor.Payment)


class Contestant(Protocol):
    """A way to make a pending payment."""

    def create(self) -> object:
        """The measured part."""

    def release(self) -> None:
        """Make what ``create`` did undone, so that it can be repeated."""


class Kit:
    def __init__(self, user: User) -> None:
        self.user = user

    def create(self) -> None:
        payment = Payment.objects.create_pending(user=self.user)
        assert payment is not None
        self.payment = payment

    def release(self) -> None:
        self.payment.cancel_pending()


class Ancestor:
    def __init__(self, user: User) -> None:
        self.user = user

    def create(self) -> None:
        self.payment = ancestor.Payment.objects.create_pending(user=self.user)

    def release(self) -> None:
        self.payment.cancel_pending()


class Bare:
    """The statements of the kit, for the same line items, sent by a cursor."""

    def __init__(self, user: User) -> None:
        kit = Kit(user)
        self.recorded = database.statements(kit.create)
        self.recorded_id = kit.payment.pk
        kit.release()
        self.renew()

    def renew(self) -> None:
        """Another payment; everything else stays the same."""
        self.id = uuid.uuid4()
        mapping: dict[Any, Any] = {self.recorded_id: self.id, self.recorded_id.hex: self.id.hex}
        self.statements = [
            (sql, [mapping.get(value, value) for value in params]) for sql, params in self.recorded
        ]

    def create(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for sql, params in self.statements:
                cursor.execute(sql, params)
                if cursor.description:
                    cursor.fetchall()

    def release(self) -> None:
        Payment.objects.get(pk=self.id).cancel_pending()
        self.renew()


def rows(quick: bool) -> Iterator[Row]:
    """The promises about ``create_pending``."""
    peaks: list[int] = []
    for size, repeats in (QUICK if quick else SIZES).items():
        name = f"create_pending, {size:,} items"
        user = data.user_with(size)
        other = Ancestor(data.user_with(size, ancestor.LineItem))
        database.tidy(*_TABLES, analyze=True)
        yield _queries(name, user, other)
        laps = [partial(_lap, each) for each in (Kit(user), other, Bare(user))]
        yield from _times(name, size, Race(laps, repeats))
        yield _apart(name, size, Kit(user), other)
        peaks.append(_peak(Kit(user)))
        yield _memory(name, peaks, _peak(other))


def _lap(contestant: Contestant, measure: Callable[[Callable[[], object]], float] = timed) -> float:
    seconds = measure(contestant.create)
    contestant.release()
    database.tidy(*_TABLES)
    return seconds


def _queries(name: str, user: User, other: Contestant) -> Row:
    counts = []
    for contestant in (Kit(user), other):
        counts.append(database.queries(contestant.create))
        contestant.release()
    return table.number(f"{name}: queries", counts[0], MOST_QUERIES, counts[1])


def _times(name: str, size: int, race: Race) -> Iterator[Row]:
    limits = BESIDE_ANCESTOR if connection.vendor == "sqlite" else BESIDE_ANCESTOR_ON_SERVERS
    ours, ancestors, bare = map(race.seconds, range(3))
    yield table.duration(
        f"{name}: beside the ancestor", ours, ancestors, race.ratio(0, 1), limits[size]
    )
    yield table.duration(f"{name}: beside bare SQL", ours, bare, race.ratio(0, 2), BESIDE_BARE)


def _apart(name: str, size: int, *contestants: Contestant) -> Row:
    race = Race([partial(_lap, each, database.apart) for each in contestants], APART_REPEATS)
    name = f"{name}: beside the ancestor, database apart"
    return table.duration(name, race.seconds(0), race.seconds(1), race.ratio(0, 1), APART[size])


def _peak(contestant: Contestant) -> int:
    peak = peak_memory(contestant.create)
    contestant.release()
    return peak


def _memory(name: str, peaks: list[int], other: int) -> Row:
    """Flat means that it is no more than at the smallest size."""
    ours, others = (f"{peak / 1000:,.0f} kB" for peak in (peaks[-1], other))
    return Row(f"{name}: memory", ours, others, peaks[-1] / peaks[0], FLAT)
