"""The journal: append-only, written with the change, and kept when what it tells of is gone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.models.deletion import ProtectedError
from django.db.models.signals import post_save

from payments_ui.core import journal
from payments_ui.core.attempts.arrivals import book_arrival
from payments_ui.core.attempts.outcomes import Cancelled
from payments_ui.core.db import locks
from payments_ui.core.models import Event, JournalEntry, SuspenseItem
from payments_ui.exceptions import EvidenceError, TransactionRequiredError

from .support import charged, pending, started

Verb = JournalEntry.Verb


@pytest.mark.django_db
def test_every_step_is_written_down_with_who_and_how_much(user: User) -> None:
    payment = charged(user, "5")
    payment.undo(by="user:1", reason="refunded", force=True)
    told = JournalEntry.objects.filter(payment_id=payment.pk).order_by("pk")
    assert [(entry.verb, entry.actor) for entry in told] == [
        (Verb.PAYMENT_CREATED, "system"),
        (Verb.ATTEMPT_STARTED, "system"),
        (Verb.PAYMENT_CHARGED, "moocher:cards"),
        (Verb.PAYMENT_UNDONE, "user:1"),
    ]
    assert {(entry.user, entry.total, entry.currency) for entry in told} == {(user, 5, "CHF")}
    assert str(told[0]).endswith("payment created")


def unknown_money(user: User, amount: Decimal) -> None:
    facts: dict[str, Any] = {
        "moocher": "bank",
        "psp_reference": "RF9",
        "currency": "CHF",
        "event_id": "e1",
    }
    book_arrival(amount=amount, **facts)
    SuspenseItem.objects.get().close(by="user:1", reason="theirs")


def far_too_much(user: User, amount: Decimal) -> None:
    transfer = started(pending(user, "5"), moocher="bank", manual=True)
    transfer.payment.book_by_hand(by="user:1", reason="seen", amount=amount + 5)
    SuspenseItem.objects.get().give_back(by="user:1", reason="a slip")


@pytest.mark.django_db
@pytest.mark.parametrize("arrive", [unknown_money, far_too_much])
def test_as_much_as_can_arrive_is_written_down(
    user: User, arrive: Callable[[User, Decimal], None]
) -> None:
    # More than SQLite counts with eight decimals.
    most = Decimal("99999999990.99")
    arrive(user, most)
    totals = [entry.total or entry.detail.get("total") for entry in JournalEntry.objects.all()]
    assert [Decimal(total) for total in totals if total].count(most) >= 1
    assert SuspenseItem.objects.get().amount == most


@pytest.mark.django_db
def test_who_listens_to_the_journal_hears_every_entry_with_its_number(user: User) -> None:
    heard: list[JournalEntry] = []

    def listen(instance: JournalEntry, **_facts: Any) -> None:
        heard.append(instance)

    payment = pending(user, "5")
    post_save.connect(listen, sender=JournalEntry)
    try:
        started(payment).record(Cancelled())
    finally:
        post_save.disconnect(listen, sender=JournalEntry)
    told = JournalEntry.objects.exclude(verb=Verb.PAYMENT_CREATED).order_by("pk")
    assert len(heard) == 2
    assert heard == list(told)


@pytest.mark.django_db
def test_a_change_that_is_rolled_back_was_not_written_down(user: User) -> None:
    with transaction.atomic():
        pending(user, "5")
        transaction.set_rollback(True)
    assert not JournalEntry.objects.exists()


@pytest.mark.django_db
def test_the_journal_survives_the_payment(user: User) -> None:
    payment = pending(user, "5")
    payment.cancel_pending()
    assert JournalEntry.objects.filter(payment_id=payment.pk).count() == 2


@pytest.mark.django_db
def test_people_are_named_by_id(user: User) -> None:
    assert journal.by_user(user) == f"user:{user.pk}"


@pytest.mark.django_db
def test_nobody_rewrites_or_deletes_an_entry(user: User) -> None:
    pending(user, "5")
    entry = JournalEntry.objects.get()
    entry.reason = "because"
    writes: list[Any] = [
        entry.save,
        entry.delete,
        JournalEntry.objects.all().delete,
        lambda: JournalEntry.objects.update(reason="because"),
        lambda: JournalEntry.objects.bulk_update([entry], ["reason"]),
        lambda: JournalEntry.objects.bulk_create([entry], update_conflicts=True),
    ]
    for write in writes:
        with pytest.raises(EvidenceError), transaction.atomic():
            write()
    with pytest.raises(IntegrityError), transaction.atomic():
        JournalEntry(pk=entry.pk, verb=Verb.PAYMENT_CHARGED, actor="me").save()
    assert JournalEntry.objects.get().reason == ""
    with pytest.raises(ProtectedError):
        user.delete()


@pytest.mark.django_db
def test_events_are_evidence_too(user: User) -> None:
    event = Event.objects.create(moocher="bank", event_id="e1", state=Event.State.UNMATCHED)
    for write in (event.save, event.delete, Event.objects.all().delete):
        with pytest.raises(EvidenceError):
            write()


def test_while_somebody_acts_entries_name_them() -> None:
    assert journal._acting.get() == ("system", "")
    with journal.acting("user:1", "why"):
        assert journal._acting.get() == ("user:1", "why")
    assert journal._acting.get() == ("system", "")


# Locks


class Conflict:
    """A database that gives up so many times."""

    def __init__(self, times: int, cause: Exception | None, text: str = "") -> None:
        self.calls = 0
        self.times, self.cause, self.text = times, cause, text

    def __call__(self) -> str:
        self.calls += 1
        if self.calls > self.times:
            return "done"
        raise OperationalError(self.text) from self.cause


def with_code(code: str) -> Exception:
    class Cause(Exception):
        sqlstate = code

    return Cause("could not serialize")


CONFLICTS = [with_code("40001"), with_code("40P01"), Exception(1213, "Deadlock")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cause", [*CONFLICTS, Exception(1205, "Lock wait timeout")])
def test_what_the_database_asks_to_try_again_is_tried_again(cause: Exception) -> None:
    conflict = Conflict(2, cause)
    assert locks.retrying(conflict)() == "done"
    assert conflict.calls == 3


@pytest.mark.django_db(transaction=True)
def test_a_locked_sqlite_is_tried_again_and_given_up_after_five_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    conflict = Conflict(9, None, "database is locked")
    with pytest.raises(OperationalError):
        locks.retrying(conflict)()
    assert conflict.calls == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cause", [None, Exception(), Exception(1064, "syntax"), with_code("42")])
def test_other_errors_are_not_tried_again(cause: Exception | None) -> None:
    conflict = Conflict(1, cause)
    with pytest.raises(OperationalError):
        locks.retrying(conflict)()
    assert conflict.calls == 1


@pytest.mark.django_db
def test_inside_the_callers_transaction_nothing_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What Django notes where a database says no: another database's no is another matter.
    for said_no, calls in ((True, 1), (False, 2)):
        monkeypatch.setattr(connections["default"], "errors_occurred", said_no)
        conflict = Conflict(1, with_code("40001"))
        with suppress(OperationalError):
            locks.retrying(conflict)()
        assert conflict.calls == calls


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_no_row_is_locked(user: User) -> None:
    payment = pending(user, "5")
    for lock in (payment.lock, started(payment).lock_payment):
        with pytest.raises(TransactionRequiredError, match="atomic"):
            lock()
