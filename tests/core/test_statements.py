"""How many statements each change of the books takes: no question is asked twice.

Without those that begin and end transactions. But for ``CREATE`` the numbers are the same on each
database.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.signals import post_delete
from django.utils import timezone

from payments_ui.core.attempts.outcomes import Cancelled
from payments_ui.core.models import LineItem, Payment
from payments_ui.core.payments import removal
from payments_ui.core.processing import Result, process_unbound_items
from payments_ui.core.signals import payment_charged
from payments_ui.flows.expire import expire
from tests.conftest import UserFactory
from tests.core.support import money_of, pending, record, started, stored
from tests.counting import statements
from tests.saving import saved, saving

pytestmark = pytest.mark.django_db(transaction=True)

#: One that writes and returns the row.
LOCK = 1
#: The lock, the attempt with all that is asked of it, the attempt, the payment, the journal; then
#: that the signal was sent, and what is stored now.
SETTLE = 7
#: A report that is repeated takes the lock, finds the attempt, and is done.
SETTLE_AGAIN = 2
#: The lock, the attempts, the payment, its line items, the journal; then the row is deleted.
CANCEL = 6
#: Where a PSP was asked the row stays, and is told that the signal was sent.
CANCEL_KEPT = CANCEL + 1
#: Only if it is one of these: they are asked again, with the lock.
CANCEL_AMONG = CANCEL + 1
#: What is stored, before and after; between them the lock, what is locked, and the news.
LOOK_AGAIN = 5
#: To make a payment of all that a payer owes: the draft and its line items, the journal and the
#: seal. PostgreSQL writes two at a time.
CREATE = 2 if connection.vendor == "postgresql" else 4
#: A processor of the site's own sets ``charged_at`` and saves: the lock, the attempts, the attempt,
#: the journal, the payment; then that the signal was sent.
SAVE_AS_CHARGED = 6
#: What a run asks once for many payers: who owes, their users, and whether there are more.
BULK_PAGE = 2
#: What a run of it asks once, for five hundred payments, beside what each of them takes.
EXPIRE_PAGE = 1


def test_a_payment_is_locked_and_read_at_once(user: User) -> None:
    payment = pending(user, "5")
    with transaction.atomic(), statements(LOCK):
        locked = payment.lock()
    assert locked == payment
    assert locked is not None
    assert (locked.amount, locked.user, locked.created_at) == (5, user, payment.created_at)
    with transaction.atomic(), statements(LOCK):
        assert Payment(pk=uuid4()).lock() is None


def test_where_a_database_returns_nothing_of_an_update_the_row_is_read_after_it(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pending(user, "5")
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)
    with transaction.atomic():
        assert payment.lock() == payment
        assert Payment(pk=uuid4()).lock() is None


def test_a_charge(user: User) -> None:
    attempt = started(pending(user, *["1"] * 10))
    with statements(SETTLE):
        attempt.record(money_of(attempt, psp_reference="ch_1"))
    with statements(SETTLE_AGAIN):
        attempt.record(money_of(attempt, psp_reference="ch_1"))


def test_receivers_of_a_charge_get_what_is_stored(user: User) -> None:
    heard: list[Any] = []

    def listen(payment: Payment, **_facts: Any) -> None:
        heard.append(payment.loaded == stored(payment).loaded and payment.charged_at)

    payment_charged.connect(listen)
    try:
        attempt = started(pending(user, "5"))
        attempt.record(money_of(attempt, psp_reference="ch_1"))
        saved = pending(user, "5")
        saved.charged_at, saved.payment_service_provider = timezone.now(), "cards"
        saved.save()
        with transaction.atomic():
            taken_back = started(pending(user, "5"), manual=True)
            taken_back.record(money_of(taken_back))
            stored(taken_back.payment).undo(reason="A mistake.")
    finally:
        payment_charged.disconnect(listen)
    assert [bool(charged_at) for charged_at in heard] == [True, True, False]


def test_giving_a_payment_up(user: User) -> None:
    payment = pending(user, *["1"] * 10)
    with statements(CANCEL):
        payment.cancel_pending()
    assert not Payment.all_objects.exists()
    asked = pending(user)
    started(asked).record(Cancelled())
    with statements(CANCEL_KEPT):
        asked.cancel_pending()
    assert stored(asked).signal_due_at is None


def test_who_follows_the_end_of_payments_is_heard(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []

    def listen(instance: Payment, **_facts: Any) -> None:
        heard.append(instance.pk)

    post_delete.connect(listen, sender=Payment)
    try:
        payment, asked = pending(user, "5"), pending(user, "5")
        key = payment.pk
        started(asked).record(Cancelled())
        payment.cancel_pending()
        asked.cancel_pending()
    finally:
        post_delete.disconnect(listen, sender=Payment)
    assert heard == [key]
    assert Payment.all_objects.get() == asked
    monkeypatch.setattr(removal, "_is_named_elsewhere", lambda _model: True)
    pending(user, "7").cancel_pending()
    assert Payment.all_objects.get() == asked


def test_a_payment_stays_where_money_arrives_while_it_is_removed(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = pending(user, "5")
    started(payment).record(Cancelled())
    monkeypatch.setattr(removal, "_REMOVE", removal._REMOVE.partition("AND NOT EXISTS")[0])
    payment.cancel_pending()
    assert stored(payment).signal_due_at is None


def test_payments_that_expire(user: User) -> None:
    long_ago = timezone.now() - dt.timedelta(days=90)
    for payments in (1, 3):
        for _payment in range(payments):
            pending(user, *["1"] * 10, created_at=long_ago)
        with statements(EXPIRE_PAGE + payments * CANCEL_AMONG):
            assert expire().expired == payments


def test_payers_of_a_bulk_run(make_user: UserFactory) -> None:
    def charge(payment: Payment) -> Result:
        payment.charged_at, payment.payment_service_provider = timezone.now(), "invoice"
        payment.save()
        return Result.SUCCESS

    def refuse(_payment: Payment) -> Result:
        return Result.FAILURE

    for processor, each in ((charge, CREATE + SAVE_AS_CHARGED), (refuse, CREATE + CANCEL_AMONG)):
        for payers in (1, 3):
            for _payer in range(payers):
                record(make_user(), *["1"] * 10)
            with statements(BULK_PAGE + payers * each):
                process_unbound_items(processors=[processor])
            LineItem.objects.unbound().delete()


def test_a_payment_method_of_which_the_psp_says_nothing_new(user: User) -> None:
    method = saved(user)
    kept = saving.kept[method.method_id]
    with statements(1):
        assert method.update_instrument(kept) == method
    with statements(LOOK_AGAIN):
        assert method.update_instrument(replace(kept, expires_year=2101)).expires_year == 2101
