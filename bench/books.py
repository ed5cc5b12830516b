"""Books of many users, written by SQL: charged payments of ten line items each, in order."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, models
from django.utils import timezone

from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment
from payments_ui.core.triggers import disabled

ITEMS = 10
_BATCH = 5_000
_PRICE = Decimal("0.10000001")
_TOTAL, _AMOUNT = _PRICE * ITEMS, Decimal("1.00")
_FACTS = {"currency": "CHF"}


def fill(items: int) -> None:
    """Add so many line items, all paid, of a user to every hundred payments."""
    payments = items // ITEMS
    before = User.objects.count()
    users = User.objects.bulk_create(
        [User(username=f"books-{before + number}") for number in range(payments // 100 + 1)]
    )
    with disabled():
        for start in range(0, payments, _BATCH):
            _pay([users[n // 100].pk for n in range(start, min(start + _BATCH, payments))])
        _itemise()


def _pay(owners: list[Any]) -> None:
    now = timezone.now()
    ids = [(uuid.uuid4(), owner) for owner in owners]
    _write(Payment, (_payment(pk, owner, now) for pk, owner in ids))
    _write(Attempt, (_attempt(pk, now) for pk, owner in ids))
    verbs = (JournalEntry.Verb.PAYMENT_CREATED, JournalEntry.Verb.ATTEMPT_STARTED)
    for verb in (*verbs, JournalEntry.Verb.PAYMENT_CHARGED):
        _write(JournalEntry, (_entry(verb, pk, owner) for pk, owner in ids))


def _write(model: type[models.Model], rows: Any) -> None:
    models.QuerySet(model).bulk_create(rows, batch_size=500)


def _payment(pk: uuid.UUID, owner: Any, now: dt.datetime) -> Payment:
    return Payment(pk=pk, user_id=owner, amount=_AMOUNT, sealed_at=now, charged_at=now, **_FACTS)


def _attempt(payment: uuid.UUID, now: dt.datetime) -> Attempt:
    key = uuid.uuid4().hex
    return Attempt(
        payment_id=payment,
        moocher="cards",
        amount=_AMOUNT,
        state=Attempt.State.SETTLED,
        idempotency_key=key,
        psp_reference=f"ch_{key}",
        received_amount=_AMOUNT,
        received_currency="CHF",
        ended_at=now,
        **_FACTS,
    )


def _entry(verb: str, payment: uuid.UUID, owner: Any) -> JournalEntry:
    return JournalEntry(
        verb=verb,
        payment_id=payment,
        user_id=owner,
        items=ITEMS,
        total=_TOTAL,
        actor="system",
        **_FACTS,
    )


def _itemise() -> None:
    """Give each payment that has none its line items, in one statement."""
    amount = LineItem._meta.get_field("amount").get_db_prep_save(_PRICE, connection)
    numbers = " UNION ALL ".join(f"SELECT {number} AS n" for number in range(ITEMS))
    lineitem, payment = LineItem._meta.db_table, Payment._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {lineitem} "  # noqa: S608 - our own tables
            " (user_id, created_at, used_at, title, amount, currency, unit, payment_id)"
            " SELECT user_id, created_at, created_at, 'Frame, rendered', %s, currency, '', id"
            f" FROM {payment} p"
            f" CROSS JOIN ({numbers}) numbers"
            f" WHERE NOT EXISTS (SELECT 1 FROM {lineitem} l WHERE l.payment_id = p.id)",
            [amount],
        )
