"""A site moves in: charged payments of ten line items each, copied from the ancestor's tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import count, cycle
from typing import Any

import user_payments.models as ancestor
from django.contrib.auth.models import User
from django.db.models import Max
from django.utils import timezone

from bench import bare, data
from bench.contest import Contestant, Row
from bench.results import Worth
from bench.sizes import Size
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment
from payments_ui.importing.move_in import Kind, move_in

ITEMS = 10
_USERS = 20
_PRICE = Decimal("0.10")
_charges = count(1)


class MoveIn(Contestant):
    """Into books that have none of it: the ancestor's tables are filled anew before each run."""

    def __init__(self, users: Sequence[User], items: int) -> None:
        super().__init__("kit")
        self._users, self._items = cycle(users), items

    def prepare(self) -> None:
        ancestor.LineItem.objects.all().delete()
        ancestor.Payment.objects.all().delete()
        payments = [self._charged() for _ in range(self._items // ITEMS)]
        # Beyond the ids that the books have, as where a site moves in.
        first = (LineItem.objects.aggregate(last=Max("pk"))["last"] or 0) + 1
        items = (
            ancestor.LineItem(
                pk=first + number,
                user_id=payments[number // ITEMS].user_id,
                payment=payments[number // ITEMS],
                title="Frame, rendered",
                amount=_PRICE,
            )
            for number in range(self._items)
        )
        ancestor.Payment.objects.bulk_create(payments, batch_size=1_000)
        ancestor.LineItem.objects.bulk_create(items, batch_size=1_000)

    def run(self, subject: Any) -> None:
        report = move_in(currency="CHF", commit=True)
        assert report.count(Kind.BOUND) == self._items, list(report.lines())

    def _charged(self) -> ancestor.Payment:
        user = next(self._users)
        return ancestor.Payment(
            user=user,
            email=user.email,
            amount=_PRICE * ITEMS,
            charged_at=timezone.now(),
            payment_service_provider="stripe",
            transaction=f'{{"id": "ch_{next(_charges)}", "paid": true}}',
        )


def rows(size: Size) -> Iterator[Row]:
    """The row about moving in. The ancestor's tables lose what they had."""
    users = [data.user_with(0) for _ in range(_USERS)]
    yield Row(
        key="import",
        title=f"import_user_payments, {size.batch:,} paid line items",
        kit=MoveIn(users, size.batch),
        anchors=[Contestant(bare.NAME, bare.move_in)],
        uses=size.batch,
        worth=Worth("line items a second"),
        tables=[LineItem, Payment, Attempt, JournalEntry],
    )
