"""Recording uses: one with a new key, one that was recorded before, and many at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import user_payments.models as ancestor
from django.contrib.auth.models import User

from bench import bare, data
from bench.contest import Contestant, Row
from bench.replay import Named, Replay
from bench.results import Worth
from bench.sizes import Size
from payments_ui.core.models import LineItem

_AMOUNT = Decimal("0.05")
_USES = Worth("uses a second")


class Kit(Named):
    """A use with a new key, or with the ``key`` of one that was recorded."""

    def __init__(self, user: User, key: str = "") -> None:
        super().__init__("kit")
        self._user, self._key = user, key

    def prepare(self) -> str:
        return self._key or uuid.uuid4().hex

    def names(self, subject: str) -> list[str]:
        return [subject]

    def run(self, subject: str) -> None:
        item = LineItem.objects.record(
            user=self._user, title="Frame, rendered", amount=_AMOUNT, currency="CHF", key=subject
        )
        assert item.key == subject


class Bare(Contestant):
    def __init__(self, user: User, key: str = "") -> None:
        super().__init__(bare.NAME)
        self._user, self._key = user, key

    def prepare(self) -> str:
        return self._key or uuid.uuid4().hex

    def run(self, subject: str) -> None:
        bare.record(self._user, subject)


class Ancestor(Contestant):
    """The ORM's INSERT; no key keeps it from being recorded twice."""

    def __init__(self, user: User) -> None:
        super().__init__("ancestor")
        self._user = user

    def run(self, subject: Any) -> None:
        ancestor.LineItem.objects.create(user=self._user, title="Frame, rendered", amount=_AMOUNT)


def rows(size: Size) -> Iterator[Row]:
    """The rows about ``record``."""
    user = data.user_with(0)
    kit = Kit(user)
    yield Row(
        key="record-new",
        title="record(), a new key",
        kit=kit,
        anchors=[Bare(user), Replay(kit), Ancestor(user)],
        times=20,
        worth=_USES,
        tables=[LineItem],
    )
    kit = Kit(user, "again")
    kit.run("again")
    yield Row(
        key="record-repeated",
        title="record(), a key that was recorded before",
        kit=kit,
        anchors=[Bare(user, "again"), Replay(kit), Ancestor(user)],
        times=20,
        worth=_USES,
        tables=[ancestor.LineItem],
    )
    yield from _many(size, user)


def _many(size: Size, user: User) -> Iterator[Row]:
    use = {"user": user, "title": "Frame, rendered", "amount": _AMOUNT, "currency": "CHF"}
    numbers = count()

    def keys() -> list[str]:
        start = next(numbers)
        return [f"many {start} {number}" for number in range(size.batch)]

    def record_many() -> None:
        assert LineItem.objects.record_many({**use, "key": key} for key in keys()).new == size.batch

    def bulk_create() -> None:
        LineItem.objects.bulk_create([LineItem(**use, key=key) for key in keys()])

    def ancestors() -> None:
        ancestor.LineItem.objects.bulk_create(
            [
                ancestor.LineItem(user=user, title="Frame, rendered", amount=_AMOUNT)
                for _ in range(size.batch)
            ]
        )

    yield Row(
        key="record-many",
        title=f"record_many() of {size.batch:,}",
        kit=Contestant("kit", record_many),
        anchors=[
            Contestant(bare.NAME, lambda: bare.record_many(user, keys())),
            Contestant("ancestor's bulk_create()", ancestors),
        ],
        uses=size.batch,
        worth=_USES,
        tables=[LineItem, ancestor.LineItem],
    )
    yield Row(
        key="record-bulk",
        title=f"bulk_create() of {size.batch:,} line items, each with a key",
        kit=Contestant("kit", bulk_create),
        anchors=[Contestant("ancestor", ancestors)],
        uses=size.batch,
        worth=_USES,
        tables=[LineItem, ancestor.LineItem],
    )
