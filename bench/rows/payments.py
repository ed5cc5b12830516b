"""A payment is made, locked, charged, or given up; and a payer is charged in bulk."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import user_payments.models as ancestor
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from bench import bare, data, database, meters
from bench.contest import Contestant, Row
from bench.replay import Named, Replay
from bench.results import Number, Worth
from bench.sizes import Size
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment

ITEMS = 10
_TIMES = 4
_TABLES = (LineItem, Payment, Attempt, JournalEntry, ancestor.LineItem, ancestor.Payment)
_PAYMENTS = Worth("payments a second")
#: Bytes of memory beyond those for ten line items, however many there are.
_FLAT = 10_000


class Owing(NamedTuple):
    """A user, and the id that their payment will have."""

    user: User
    payment: uuid.UUID


class Create(Named):
    """The kit binds all that a user owes."""

    def __init__(self, users: Sequence[User]) -> None:
        super().__init__("kit")
        self._users = cycle(users)

    def prepare(self) -> Owing:
        return Owing(next(self._users), uuid.uuid4())

    def names(self, subject: Owing) -> list[Any]:
        return [subject.user.pk, subject.payment]

    def run(self, subject: Owing) -> None:
        assert Payment.objects.create_pending(user=subject.user, id=subject.payment)

    def restore(self, subject: Owing) -> None:
        Payment.objects.get(pk=subject.payment).cancel_pending()


class Lock(Create):
    """The kit locks a payment, and reads it."""

    def prepare(self) -> Owing:
        subject = super().prepare()
        super().run(subject)
        return subject

    def run(self, subject: Owing) -> None:
        with transaction.atomic():
            assert Payment.all_objects.lock(subject.payment)


class Cancel(Lock):
    """The kit gives a payment up."""

    def prepare(self) -> Owing:
        subject = super().prepare()
        self.payment = Payment.objects.get(pk=subject.payment)
        return subject

    def run(self, subject: Owing) -> None:
        Payment.objects.get(pk=subject.payment).cancel_pending()

    def restore(self, subject: Owing) -> None:
        """Nothing: the user owes as before."""


class Settle(Named):
    """The kit books the money that a PSP has reported for an attempt."""

    def __init__(self, users: Sequence[User]) -> None:
        super().__init__("kit")
        self._users = cycle(users)

    def prepare(self) -> Attempt:
        user = next(self._users)
        data.owe(user, ITEMS)
        payment = Payment.objects.create_pending(user=user)
        assert payment is not None
        return payment.start_attempt(moocher="bench")

    def names(self, subject: Attempt) -> list[Any]:
        user = subject.payment.user_id
        return [subject.pk, subject.payment_id, user, self._reference(subject)]

    def run(self, subject: Attempt) -> None:
        outcome = subject.exact_outcome(psp_reference=self._reference(subject))
        settled = subject.settle(outcome, by="moocher:bench")
        assert settled.state == Attempt.State.SETTLED

    def _reference(self, attempt: Attempt) -> str:
        return f"ch_{attempt.pk.hex}"


class InTurn(Contestant):
    """One user after the other; what was made of each is added to the subject."""

    def __init__(self, name: str, users: Sequence[User]) -> None:
        super().__init__(name)
        self._users = cycle(users)

    def prepare(self) -> list[Any]:
        return [next(self._users)]


class BareCreate(InTurn):
    def __init__(self, users: Sequence[User]) -> None:
        super().__init__(bare.NAME, users)

    def run(self, subject: list[Any]) -> None:
        subject.append(bare.create_pending(subject[0]))

    def restore(self, subject: list[Any]) -> None:
        bare.cancel(subject[1])


class BareLock(BareCreate):
    def prepare(self) -> list[Any]:
        subject = super().prepare()
        super().run(subject)
        return subject

    def run(self, subject: list[Any]) -> None:
        with transaction.atomic():
            bare.lock(subject[1])


class BareSettle(BareLock):
    def run(self, subject: list[Any]) -> None:
        bare.settle(subject[1])

    def restore(self, subject: list[Any]) -> None:
        bare.execute("UPDATE bare_payment SET charged_at = NULL WHERE id = %s", [subject[1]])
        super().restore(subject)


class BareCancel(BareLock):
    def run(self, subject: list[Any]) -> None:
        bare.cancel(subject[1])

    def restore(self, subject: list[Any]) -> None:
        """Nothing: the user owes as before."""


class AncestorCreate(InTurn):
    def __init__(self, users: Sequence[User]) -> None:
        super().__init__("ancestor", users)

    def run(self, subject: list[Any]) -> None:
        subject.append(ancestor.Payment.objects.create_pending(user=subject[0]))

    def restore(self, subject: list[Any]) -> None:
        subject[1].cancel_pending()


class AncestorSettle(AncestorCreate):
    def prepare(self) -> list[Any]:
        subject = super().prepare()
        super().run(subject)
        return subject

    def run(self, subject: list[Any]) -> None:
        payment = ancestor.Payment.objects.get(pk=subject[1].pk)
        payment.charged_at, payment.payment_service_provider = timezone.now(), "bench"
        payment.save()

    def restore(self, subject: list[Any]) -> None:
        ancestor.Payment.objects.get(pk=subject[1].pk).undo()
        ancestor.Payment.objects.get(pk=subject[1].pk).cancel_pending()


class AncestorCancel(AncestorSettle):
    def run(self, subject: list[Any]) -> None:
        ancestor.Payment.objects.get(pk=subject[1].pk).cancel_pending()

    def restore(self, subject: list[Any]) -> None:
        """Nothing: the user owes as before."""


def rows(size: Size) -> Iterator[Row | Number]:
    """The rows about payments."""
    users, others, bares = (_users(model) for model in (LineItem, ancestor.LineItem, LineItem))
    for user in bares:
        bare.copy(user)
    database.tidy(*_TABLES, analyze=True)
    create = Create(users)
    yield _row(
        "create-few",
        f"create_pending(), {ITEMS} line items",
        create,
        [BareCreate(bares), Replay(create), AncestorCreate(others)],
    )
    if connection.vendor == "postgresql":
        yield _log(create, AncestorCreate(others))
    lock = Lock(users)
    yield _row("lock", "a payment is locked and read", lock, [BareLock(bares), Replay(lock)])
    settle = Settle([data.user_with(0) for _ in range(_TIMES)])
    yield _row(
        "settle",
        f"settle(), {ITEMS} line items",
        settle,
        [BareSettle(bares), Replay(settle), AncestorSettle(others)],
    )
    cancel = Cancel(users)
    yield _row(
        "cancel",
        f"cancel_pending(), {ITEMS} line items",
        cancel,
        [BareCancel(bares), Replay(cancel), AncestorCancel(others)],
    )
    yield from _many(size, create)


def _row(key: str, title: str, kit: Named, anchors: Sequence[Contestant]) -> Row:
    return Row(
        key=key,
        title=title,
        kit=kit,
        anchors=anchors,
        times=_TIMES,
        worth=_PAYMENTS,
        tables=_TABLES,
    )


def _many(size: Size, few: Create) -> Iterator[Row | Number]:
    user, other = data.user_with(size.bound), data.user_with(size.bound, ancestor.LineItem)
    bare.copy(user)
    database.tidy(*_TABLES, analyze=True)
    create = Create([user])
    title = f"create_pending(), {size.bound:,} line items"
    yield Row(
        key="create-many",
        title=title,
        kit=create,
        anchors=[BareCreate([user]), Replay(create), AncestorCreate([other])],
        worth=_PAYMENTS,
        tables=_TABLES,
    )
    small, large = (each.once(meters.peak_memory) for each in (few, create))
    theirs = AncestorCreate([other]).once(meters.peak_memory)
    yield Number(
        key="create-memory",
        title=f"{title}: bytes of memory",
        value=large,
        limit=small + _FLAT,
        beside=f"{small:,} with {ITEMS}; the ancestor {theirs:,}",
    )


def _users(model: type[Any]) -> list[User]:
    return [data.user_with(ITEMS, model) for _ in range(_TIMES)]


def _log(kit: Contestant, other: Contestant) -> Number:
    """Others may write at the same time: the least of some is ours alone."""
    ours, theirs = (min(each.once(meters.log_bytes) for _ in range(10)) for each in (kit, other))
    return Number(
        key="create-log",
        title=f"create_pending(), {ITEMS} line items: bytes of PostgreSQL's log",
        value=ours,
        beside=f"the ancestor {theirs:,}",
    )
