"""Moving in from django-user-payments: everything arrives, once, as it was."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from mooch.signals import post_charge

from payments_ui.core.audit import Finding
from payments_ui.core.db import failpoints
from payments_ui.core.db.failpoints import Point
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment
from payments_ui.flows.expire import expire
from payments_ui.importing import decide, source, write
from payments_ui.importing import move_in as moving
from payments_ui.importing.management.commands import import_user_payments
from payments_ui.importing.report import Section
from tests.conftest import UserFactory
from tests.core.support import pending, record
from tests.importing.ancestor import CHARGED_AT, MADE_AT, Ancestor
from tests.importing.conftest import Import

# MariaDB commits when it is told where to go on counting.
pytestmark = pytest.mark.django_db(transaction=connection.vendor == "mysql")


def everything() -> list[Any]:
    """Return every row of our books."""
    models = (Payment.all_objects, LineItem.objects, Attempt.objects, JournalEntry.objects)
    return [sorted(rows.values_list(), key=str) for rows in models]


def report_lines(output: str) -> list[str]:
    """Return the lines of the report, without what stands around them."""
    return [line for line in output.splitlines() if line.startswith("  ")]


def counted(output: str, words: str) -> int:
    """Return how many of a kind the report tells of."""
    found = re.search(rf"^ +([\d,]+) {re.escape(words)}", output, re.MULTILINE)
    assert found, output
    return int(found[1].replace(",", ""))


def test_a_dry_run_writes_nothing(user: User, ancestor: Ancestor, move_in: Import) -> None:
    ancestor.charged(user, "5.00", "5.00")
    ancestor.item(user, "1.00")
    assert "nothing is written" in move_in()
    assert everything() == [[], [], [], []]


def test_a_dry_run_says_what_the_other_run_does(
    make_user: UserFactory, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.charged(make_user(), "5.00", "4.00", transaction='{"id": "ch_1"}')
    ancestor.charged(make_user(), "3.00", transaction='{"id": "ch_1"}')
    ancestor.pending(make_user(), "2.00", "2.00")
    ancestor.pending(make_user(), "2.00")
    ancestor.item(make_user(), "1.00", title="")
    dry = report_lines(move_in())
    assert len(dry) > 8
    assert dry == report_lines(move_in("--commit"))


def test_a_charged_payment_arrives_as_it_was(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    old = ancestor.charged(user, "5.05", "5.00", "0.05", transaction='{"id": "ch_1"}')
    move_in("--commit")
    payment = Payment.objects.get(pk=old.pk)
    assert (payment.amount, payment.currency) == (Decimal("5.05"), "CHF")
    assert (payment.created_at, payment.charged_at) == (MADE_AT, CHARGED_AT)
    assert payment.state == Payment.State.CHARGED
    assert (payment.email, payment.transaction) == (old.email, old.transaction)
    assert set(payment.lineitems.values_list("pk", "amount")) == set(
        ancestor.items.filter(payment=old).values_list("pk", "amount")
    )


def test_its_charge_is_an_attempt_whose_signal_is_not_sent_again(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    sent: list[Payment] = []
    post_charge.connect(lambda payment, **_: sent.append(payment), weak=False, dispatch_uid="x")
    answer = '{"id": "ch_1", "livemode": true}'
    old = ancestor.charged(user, "5.00", "5.00", transaction=answer)
    try:
        move_in("--commit")
    finally:
        post_charge.disconnect(dispatch_uid="x")
    attempt = Attempt.objects.get()
    assert (attempt.payment_id, attempt.state) == (old.pk, Attempt.State.SETTLED)
    assert (attempt.moocher, attempt.psp_reference) == ("stripe", "ch_1")
    assert attempt.amount == attempt.received == 5
    assert attempt.live
    assert attempt.signal_sent_at == attempt.ended_at == CHARGED_AT
    assert sent == []


def test_bank_transfers_were_booked_by_hand(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.charged(user, "5.00", "5.00", payment_service_provider="banktransfer")
    ancestor.charged(user, "6.00", "6.00", payment_service_provider="")
    move_in("--commit")
    attempts = Attempt.objects.order_by("amount").values_list("moocher", "manual", "psp_reference")
    assert list(attempts) == [("banktransfer", True, None), ("imported", False, None)]


def test_a_pending_payment_can_be_paid_here(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    old = ancestor.pending(user, "5.00", "2.00", "3.00")
    move_in("--commit")
    payment = Payment.objects.get(pk=old.pk)
    assert payment.state == Payment.State.PENDING
    assert payment.amount == Decimal("5.00")
    assert payment.lineitems.count() == 2


def test_unbound_line_items_keep_their_ids(user: User, ancestor: Ancestor, move_in: Import) -> None:
    old = ancestor.item(user, "0.05", "Request")
    move_in("--commit", currency="EUR")
    item = LineItem.objects.get(pk=old.pk)
    assert (item.user, item.title, item.created_at) == (user, "Request", MADE_AT)
    assert (item.used_at, item.quantity) == (MADE_AT, None)
    assert (item.amount, item.currency) == (Decimal("0.05"), "EUR")
    assert item.key == f"user_payments:{old.pk}"
    assert item.payment is None


def test_what_is_recorded_afterwards_gets_ids_beyond_the_old_ones(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.item(user, "1.00", id=7_000)
    ancestor.charged(user, "5.00")
    move_in("--commit")
    assert LineItem.objects.filter(pk__gt=7_000).count() == 1
    assert record(user, "1")[0].pk > 7_001


def test_ids_go_on_where_ours_are_higher(user: User, ancestor: Ancestor, move_in: Import) -> None:
    LineItem.objects.record(user=user, title="Ours", amount=1)
    newest = LineItem.objects.get().pk
    ancestor.charged(user, "5.00", "4.00", created_at=CHARGED_AT)
    ancestor.items.update(id=newest)
    move_in("--commit")
    assert LineItem.objects.count() == 3


def test_a_second_run_changes_nothing(
    make_user: UserFactory, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.charged(make_user(), "5.00", "4.00")
    ancestor.charged(make_user(), "5.00")
    ancestor.pending(make_user(), "2.00", "2.00")
    ancestor.pending(make_user(), "-1.00", "-1.00")
    ancestor.item(make_user(), "1.00")
    move_in("--commit")
    before = everything()
    output = move_in("--commit")
    assert everything() == before
    assert counted(output, "payments") == 3
    assert counted(output, "line items") == 4
    assert Section.COPIED.value not in output.splitlines()


def test_a_later_run_copies_what_is_new(
    make_user: UserFactory, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.charged(make_user(), "5.00", "5.00")
    move_in("--commit")
    ancestor.charged(make_user(), "6.00", "6.00")
    ancestor.item(make_user(), "1.00")
    move_in("--commit")
    assert Payment.objects.charged().count() == 2
    assert LineItem.objects.unbound().count() == 1


def test_an_interrupted_run_is_taken_up_again(
    make_user: UserFactory, ancestor: Ancestor, move_in: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    for number in range(5):
        ancestor.charged(make_user(), "1.00", "1.00")
        ancestor.item(make_user(), f"{number}.00")
    monkeypatch.setattr(moving, "PAYMENTS", 2)
    monkeypatch.setitem(failpoints.actions, Point.IMPORT_BETWEEN_BATCHES, interrupt)
    with pytest.raises(KeyboardInterrupt):
        move_in("--commit")
    assert Payment.objects.count() == 2
    failpoints.actions.clear()
    move_in("--commit")
    assert Payment.objects.charged().count() == 5
    assert LineItem.objects.count() == 10


@pytest.mark.parametrize("kept", [2, 3])
def test_line_items_are_read_in_pages(
    user: User, ancestor: Ancestor, move_in: Import, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(decide, "_KEPT", kept)
    for module in (moving, decide, write):
        monkeypatch.setattr(module, "ITEMS", 2)
    ancestor.charged(user, "15.00", *(["3.00"] * 5))
    for _ in range(5):
        ancestor.item(user, "1.00")
    move_in("--commit")
    assert Payment.objects.get().lineitems.count() == 5
    assert LineItem.objects.unbound().count() == 5


def test_what_was_cancelled_or_deleted_does_not_come_back(
    user: User,
    ancestor: Ancestor,
    move_in: Import,
    django_capture_on_commit_callbacks: Any,
) -> None:
    ancestor.pending(user, "5.00", "5.00")
    ancestor.item(user, "1.00")
    move_in("--commit")
    with django_capture_on_commit_callbacks(execute=True):
        Payment.objects.get().cancel_pending()
    LineItem.objects.get(amount=1).delete()
    output = move_in("--commit")
    assert not Payment.all_objects.exists()
    assert LineItem.objects.get().amount == 5
    assert counted(output, "line items that were deleted from the books since") == 1


def test_later_changes_of_the_old_tables_are_reported_and_left(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    old = ancestor.pending(user, "5.00", "5.00")
    loose, other = ancestor.item(user, "1.00"), ancestor.item(user, "2.00")
    move_in("--commit")
    before = everything()
    ancestor.payments.update(charged_at=CHARGED_AT)
    ancestor.item(user, "9.00", payment=old)
    ancestor.items.filter(pk=loose.pk).update(amount=3)
    late = ancestor.pending(user, "3.00", "1.00")
    ancestor.items.filter(pk=other.pk).update(payment=late)
    output = move_in("--commit")
    assert everything() == before
    assert counted(output, "of these, charged in the old tables since") == 1
    assert counted(output, "of these, with another amount in the old tables") == 1
    assert counted(output, "line items added to payments that were copied before") == 1
    assert counted(output, "payments with line items that were copied before without them") == 1
    assert counted(output, "other line items of these payments") == 1


def test_a_charge_that_was_undone_here_is_no_news(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.charged(user, "5.00", "5.00", payment_service_provider="")
    move_in("--commit")
    Payment.objects.get().undo(force=True, reason="a mistake")
    assert "charged in the old tables since" not in move_in("--commit")


def test_line_items_whose_id_is_taken_get_another(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ours = record(user, "1")[0]
    ancestor.item(user, "2.00", id=ours.pk)
    output = move_in("--commit")
    assert counted(output, "line items whose id is taken") == 1
    assert LineItem.objects.get(amount=2).key == f"user_payments:{ours.pk}"
    move_in("--commit")
    assert LineItem.objects.count() == 2


def test_payments_that_are_here_stay_as_they_are(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ours = pending(user, "4")
    ancestor.charged(user, "5.00", "5.00")
    move_in("--commit")
    assert Payment.objects.get(pk=ours.pk).state == Payment.State.PENDING
    assert Payment.objects.count() == 2


def test_the_journal_tells_of_it(user: User, ancestor: Ancestor, move_in: Import) -> None:
    old = ancestor.charged(user, "5.00", "2.00", "3.00")
    move_in("--commit")
    entries = JournalEntry.objects.filter(payment_id=old.pk).order_by("pk")
    assert [(entry.verb, entry.total, entry.items) for entry in entries] == [
        ("payment_created", 5, 2),
        ("payment_charged", 5, None),
    ]
    assert {entry.actor for entry in entries} == {"command:import_user_payments"}
    run = JournalEntry.objects.get(verb=JournalEntry.Verb.PAYMENTS_IMPORTED)
    assert run.detail == {"charged": 1, "bound": 2}


def test_other_currencies(user: User, ancestor: Ancestor, move_in: Import) -> None:
    ancestor.charged(user, "500.00", "500.00")
    with override_settings(PAYMENTS_UI={"CURRENCY": "JPY"}):
        move_in("--commit")
    assert Payment.objects.get().amount_cents == 500


def test_amounts_that_the_currency_cannot_say_are_refused(
    user: User, ancestor: Ancestor, move_in: Import
) -> None:
    ancestor.charged(user, "5.50", "5.50")
    with pytest.raises(
        CommandError, match=r"¥5\.5 has too many decimals for JPY.* Nothing was copied"
    ):
        move_in("--commit", currency="JPY")
    with pytest.raises(CommandError, match="'XYZ' is not a currency"):
        move_in(currency="XYZ")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({}, "Table user_payments_payment has no column id: this is not the table of"),
        ({"id": "TextField"}, "Column user_payments_payment.id is a TextField, not a UUIDField"),
    ],
)
def test_tables_of_something_else_are_refused(
    ancestor: Ancestor,
    move_in: Import,
    monkeypatch: pytest.MonkeyPatch,
    columns: dict[str, str],
    words: str,
) -> None:
    monkeypatch.setattr(source, "_columns", lambda *_table: columns)
    with pytest.raises(CommandError, match=words):
        move_in()


def test_what_is_not_looked_at_is_named(
    ancestor: Ancestor, move_in: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = source._columns
    monkeypatch.setattr(source, "_columns", lambda *at: {**columns(*at), "tax": ""})
    monkeypatch.setattr(source, "_OPTIONAL", ("auth_group",))
    assert (
        "Not read: table auth_group, table auth_group_permissions, "
        "column user_payments_payment.tax, column user_payments_lineitem.tax"
    ) in move_in()


def test_all_ids_on_demand(user: User, ancestor: Ancestor, move_in: Import) -> None:
    ghosts = {str(ancestor.pending(user, "1.00").pk) for _ in range(7)}
    uuids = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
    assert len(uuids.findall(move_in())) == 5
    assert set(uuids.findall(move_in(ids=True))) == ghosts


def test_what_the_audit_finds_makes_it_fail(
    user: User, ancestor: Ancestor, move_in: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [Finding("payment_amount", "payment", str(n), "amount=1") for n in range(21)]
    monkeypatch.setattr(import_user_payments, "audit", lambda: iter(wrong))
    with pytest.raises(CommandError, match="The audit finds 21") as failed:
        move_in("--commit")
    assert failed.value.returncode == 1


def test_a_transfer_announced_before_moving_in_has_the_time_of_a_transfer(
    make_user: UserFactory, ancestor: Ancestor, move_in: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ancestor did not keep when it was announced, so its time begins with moving in."""
    old = ancestor.pending(
        make_user(), "5.00", "5.00", payment_service_provider="banktransfer", transaction="META"
    )
    ancestor.pending(make_user(), "5.00", "5.00")
    move_in("--commit")
    later: list[float] = []
    now = timezone.now()
    monkeypatch.setattr(
        "payments_ui.flows.expire.timezone.now", lambda: now + dt.timedelta(days=later[-1])
    )
    for days, expired in ((0, 1), (20, 0), (59, 0), (61, 1)):
        later.append(days)
        assert expire().expired == expired
        assert Payment.objects.filter(pk=old.pk).exists() == (days < 61)
