"""How each hot path grows: with the line items of others, and with one's own.

The first part is measured in small books (``in_small_books``), then the books are filled and the
same is measured again; between the two lies a *yardstick*, work that no table changes, so that a
machine that has become slower meanwhile is not taken for growth. One's own line items are those of
two users who take turns.

Triggers look at what a statement writes, and a database may plan that badly: for each row, all
rows. So what writes many rows has a connection of its own each time, which has no plan yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, models

from bench import bare, books, contest, data, database, meters
from bench.contest import Contestant, Row
from bench.results import Comparison, Growth
from bench.rows import bulk, page, payments, record
from bench.rows.heartbeat import Heartbeat
from bench.sizes import Size
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment
from payments_ui.core.privacy.redaction import ANONYMIZED

#: What others have costs next to nothing: an index is read one page deeper.
OF_OTHERS = 0.05
#: What one owes is read, or written, once. A sort and a busy machine add to that.
OF_ONES_OWN = 1.0

_TABLES = (LineItem, Payment, Attempt, JournalEntry)
_YARDSTICK = 3_000


@dataclass(frozen=True, slots=True)
class Path:
    """A hot path; ``is_undone`` where it may run in a transaction that is rolled back."""

    title: str
    kit: Contestant
    times: int = 4
    is_undone: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What a hot path costs in the books as they are."""

    cost: Comparison
    pages: int | None

    @property
    def beside_yardstick(self) -> float:
        """Processor time beside the work that no table changes."""
        return self.cost.ratios[0]


def in_small_books(size: Size) -> Mapping[str, Found]:
    """What the hot paths cost while others have few line items."""
    return {key: _find(key, path, size) for key, path in _paths().items()}


def rows(size: Size, small: Mapping[str, Found]) -> Iterator[Growth]:
    """Fill the books, and measure again."""
    few, many = size.others
    books.fill_up(many)
    for key, path in _paths().items():
        before, after = small[key], _find(key, path, size)
        yield Growth(
            key=f"others-{key}",
            title=f"{path.title}, line items of others",
            few=few,
            many=many,
            cpu=[before.cost.kit.cpu, after.cost.kit.cpu],
            pages=_both(before.pages, after.pages),
            exponent=_exponent(after.beside_yardstick / before.beside_yardstick, size.others),
            limit=OF_OTHERS if size.is_timed else math.inf,
        )
    yield from _ones_own(size)


def _paths() -> dict[str, Path]:
    users = [data.user_with(payments.ITEMS) for _ in range(5)]
    night = bulk.Night(bulk.savers(bulk.BATCH))
    database.tidy(*_TABLES, analyze=True)
    heartbeat = Heartbeat(data.user_with(payments.ITEMS))
    return {
        "record": Path("record()", record.Kit(users[0]), times=20),
        "create": Path("create_pending()", payments.Create(users[1:])),
        "lock": Path("a payment is locked and read", payments.Lock(users[1:])),
        "settle": Path("settle()", payments.Settle([data.user_with(0)])),
        "cancel": Path("cancel_pending()", payments.Cancel(users[1:])),
        "page": Path("a page with the widget, live", page.widgets(users[0], page.LIVE)),
        "heartbeat": Path("a heartbeat that finds nothing", Contestant("kit", heartbeat.ask)),
        "night": Path("process_payments", night, times=1, is_undone=False),
    }


def _find(key: str, path: Path, size: Size) -> Found:
    row = Row(
        key=key,
        title=path.title,
        kit=path.kit,
        anchors=[Contestant("yardstick", _measure_nothing)],
        times=path.times,
        is_counted=False,
        tables=_TABLES if size.others[0] > LineItem.objects.count() else (),
    )
    cost = contest.measure(row, seconds=size.seconds / 2, least=size.least)
    return Found(cost, _pages(path.kit) if path.is_undone else None)


def _measure_nothing() -> None:
    bare.execute("SELECT 1")
    sum(number * number for number in range(_YARDSTICK))


def _pages(kit: Contestant) -> int | None:
    """The pages that one run touches, undone at first and then done, so that it can be restored.

    ``None`` where the database does not say.
    """
    if connection.vendor != "postgresql":
        return None
    subject = kit.prepare()
    found = meters.pages(lambda: kit.run(subject))
    kit.run(subject)
    kit.restore(subject)
    return found


def _ones_own(size: Size) -> Iterator[Growth]:
    users = [_owing(items) for items in size.read]
    yield from _own("record", "record()", [record.Kit(user) for user in users], size, size.read)
    pages = [page.widgets(user, page.LIVE) for user in users]
    yield from _own("page", "a page with the widget, live", pages, size, size.read)
    beats = [Contestant("kit", Heartbeat(user).ask) for user in users]
    yield from _own("heartbeat", "a heartbeat that finds nothing", beats, size, size.read)
    users = [_owing(items) for items in size.written]
    for key, title, kind in (
        ("update", "UPDATE of what is unbound", _Update),
        ("create", "create_pending()", _Create),
        ("anonymize", "UPDATE of what is bound", _Anonymize),
        ("cancel", "cancel_pending()", _Cancel),
    ):
        yield from _own(key, title, [kind([user]) for user in users], size, size.written)


def _own(
    key: str, title: str, kits: Sequence[Contestant], size: Size, sizes: tuple[int, int]
) -> Iterator[Growth]:
    few, many = kits
    few.name = "few"
    row = Row(key=key, title=title, kit=many, anchors=[few], is_counted=False)
    cost = contest.measure(row, seconds=size.seconds, least=min(size.least, 2))
    yield Growth(
        key=f"own-{key}",
        title=f"{title}, one's own line items",
        few=sizes[0],
        many=sizes[1],
        cpu=[cost.anchors[0].cpu, cost.kit.cpu],
        pages=_both(_pages(few), _pages(many)),
        exponent=_exponent(cost.ratios[0], sizes),
        limit=OF_ONES_OWN if size.is_timed else math.inf,
    )


class _Create(payments.Create):
    """On a connection that has no plan yet."""

    def prepare(self) -> payments.Owing:
        subject = super().prepare()
        _reconnect()
        return subject


class _Cancel(payments.Cancel):
    def prepare(self) -> payments.Owing:
        subject = super().prepare()
        _reconnect()
        return subject


class _Update(Contestant):
    values: Mapping[str, Any] = {"title": "Changed"}

    def __init__(self, users: Sequence[User]) -> None:
        super().__init__("kit")
        self._user = users[0]

    def prepare(self) -> None:
        _reconnect()

    def run(self, subject: Any) -> None:
        mine: models.QuerySet[LineItem] = models.QuerySet(LineItem).filter(user=self._user)
        assert mine.update(**self.values)


class _Anonymize(_Update):
    """What the database lets pass of bound line items: names are taken out."""

    values = {"title": ANONYMIZED}

    def prepare(self) -> None:
        self._payment = Payment.objects.create_pending(user=self._user)
        super().prepare()

    def restore(self, subject: Any) -> None:
        assert self._payment is not None
        self._payment.cancel_pending()


def _owing(items: int) -> User:
    user = data.user_with(0)
    books.owe(user, items)
    database.tidy(LineItem, analyze=True)
    return user


def _reconnect() -> None:
    connection.close()
    connection.ensure_connection()


def _exponent(ratio: float, sizes: tuple[int, int]) -> float:
    return math.log(ratio) / math.log(sizes[1] / sizes[0])


def _both(few: int | None, many: int | None) -> list[int] | None:
    return None if few is None or many is None else [few, many]
