"""Payers who are charged while nobody is there: by a processor, and at night by a saved card."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import user_payments.models as ancestor
import user_payments.processing as ancestors
from django.contrib.auth.models import User
from django.utils import timezone

from bench import data, database, site
from bench.contest import Contestant, Row
from bench.results import Worth
from bench.rows.payments import AncestorCancel
from bench.sizes import Size
from payments_ui.core.models import (
    Attempt,
    JournalEntry,
    LineItem,
    Payment,
    PaymentMethod,
    RunBatch,
)
from payments_ui.core.processing import Result, process_payment
from payments_ui.core.runs import steering
from payments_ui.core.runs.states import RunState
from payments_ui.flows import expire, processors
from payments_ui.flows.leased_run import work

ITEMS = 10
#: Payers of a night.
BATCH = 10
_USERS = 4
_PAYERS = Worth("payers an hour", 3600)
_TABLES = (LineItem, Payment, Attempt, JournalEntry, ancestor.LineItem, ancestor.Payment)


class Payer(Contestant):
    """A payer who owes ``ITEMS``; they owe as many again before the next run."""

    def __init__(self, name: str, users: Sequence[User], model: type[Any] = LineItem) -> None:
        super().__init__(name)
        self._users, self._model = cycle(users), model

    def prepare(self) -> User:
        user = next(self._users)
        if not self._model.objects.unbound().filter(user=user).exists():
            data.owe(user, ITEMS, self._model)
        return user


class Processed(Payer):
    """By a processor of the site, which sets ``charged_at`` and saves."""

    def __init__(self, users: Sequence[User], result: Result) -> None:
        super().__init__("kit", users)
        self._result = result

    def run(self, subject: User) -> None:
        payment = Payment.objects.create_pending(user=subject, currency="CHF")
        assert payment is not None
        process_payment(payment, processors=[self._process])

    def _process(self, payment: Payment) -> Result:
        if self._result is Result.SUCCESS:
            _charge(payment)
        return self._result


class ProcessedByAncestor(Payer):
    def __init__(self, users: Sequence[User], result: ancestors.Result) -> None:
        super().__init__("ancestor", users, ancestor.LineItem)
        self._result = result

    def run(self, subject: User) -> None:
        payment = ancestor.Payment.objects.create_pending(user=subject)
        ancestors.process_payment(payment, processors=[self._process])

    def _process(self, payment: Any) -> ancestors.Result:
        if self._result is ancestors.Result.SUCCESS:
            _charge(payment)
        return self._result


class Night(Contestant):
    """A worker leases a batch of payers, and charges each by the card that they have saved."""

    def __init__(self, savers: Sequence[User]) -> None:
        super().__init__("kit")
        self._savers = savers

    def prepare(self) -> RunBatch:
        """A run of one batch; nobody else has a key between those of its payers."""
        for user in self._savers:
            data.owe(user, ITEMS)
        first, *_others, last = sorted(user.pk for user in self._savers)
        run = steering.begin()
        batch = RunBatch.objects.create(
            run=run, number=1, after=str(first - 1), upto=str(last), payers=len(self._savers)
        )
        assert steering.go(run, RunState.PLANNING)
        return batch

    def run(self, subject: RunBatch) -> None:
        batch = work.take(subject.pk)
        assert batch is not None
        work.work_on(batch, processors.listed())

    def restore(self, subject: RunBatch) -> None:
        """Nothing: all are charged."""
        subject.refresh_from_db()
        assert subject.charged == len(self._savers), subject


class Abandoned(Payer):
    """A payment that its customer has left is given up."""

    def prepare(self) -> User:
        user = super().prepare()
        Payment.objects.create_pending(user=user)
        return user

    def run(self, subject: User) -> None:
        assert expire.expire(days=0, user=subject).expired == 1


class ForEach(Contestant):
    """Another contestant's work, once for each user of a batch."""

    def __init__(self, each: Payer) -> None:
        super().__init__(each.name)
        self._each = each

    def prepare(self) -> list[User]:
        return [self._each.prepare() for _ in range(BATCH)]

    def run(self, subject: list[User]) -> None:
        for user in subject:
            self._each.run(user)


def savers(number: int) -> list[User]:
    """Users who have saved a card, and agreed to be charged with it at night."""
    users = [data.user_with(0) for _ in range(number)]
    for user in users:
        site.save_card(user)
    return users


def rows(size: Size) -> Iterator[Row]:
    """The rows about many payers."""
    logging.getLogger("payments_ui").setLevel(logging.ERROR)
    logging.getLogger("user_payments").setLevel(logging.ERROR)
    users, others = ([data.user_with(ITEMS, model) for _ in range(_USERS)] for model in _MODELS)
    database.tidy(*_TABLES, analyze=True)
    yield _row(
        "bulk-charged",
        "process_payment(), charged by a processor of the site",
        Processed(users, Result.SUCCESS),
        ProcessedByAncestor(others, ancestors.Result.SUCCESS),
    )
    yield _row(
        "bulk-not-charged",
        "process_payment(), not charged and given up",
        Processed(users, Result.FAILURE),
        ProcessedByAncestor(others, ancestors.Result.FAILURE),
    )
    others = [data.user_with(ITEMS, ancestor.LineItem) for _ in range(BATCH)]
    night = Night(savers(BATCH))
    database.tidy(*_TABLES, PaymentMethod, analyze=True)
    yield Row(
        key="night",
        title=f"process_payments, {BATCH} payers by saved cards",
        kit=night,
        anchors=[ForEach(ProcessedByAncestor(others, ancestors.Result.SUCCESS))],
        uses=BATCH,
        worth=_PAYERS,
        tables=_TABLES,
    )
    yield _row(
        "expire",
        "expire_payments, one payment",
        Abandoned("kit", [data.user_with(ITEMS) for _ in range(_USERS)]),
        AncestorCancel([data.user_with(ITEMS, ancestor.LineItem) for _ in range(_USERS)]),
    )


_MODELS = (LineItem, ancestor.LineItem)


def _row(key: str, title: str, kit: Contestant, other: Contestant) -> Row:
    return Row(
        key=key,
        title=title,
        kit=kit,
        anchors=[other],
        times=_USERS,
        worth=_PAYERS,
        tables=_TABLES,
    )


def _charge(payment: Any) -> None:
    payment.charged_at, payment.payment_service_provider = timezone.now(), "bench"
    payment.save()
