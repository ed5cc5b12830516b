"""What a database refuses is said by the kit's errors."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError
from django.test import Client
from django.urls import reverse

from payments_ui.core.db.constraint_errors import typed, typed_refusals
from payments_ui.core.models import (
    Arrival,
    Attempt,
    Customer,
    Dispute,
    Event,
    JournalEntry,
    LineItem,
    Payment,
    PaymentMethod,
    Refund,
    SuspenseItem,
)
from payments_ui.core.rules import BOOKS, PREFIX, RULES
from payments_ui.exceptions import AttemptOpenError, LineItemBoundError
from tests.core.support import pending, record, started, stored

MODELS = (
    *(Payment, LineItem, Attempt, Refund, Dispute, Event, SuspenseItem, JournalEntry),
    *(Customer, PaymentMethod, Arrival),
)


def test_every_constraint_is_a_rule() -> None:
    of_rules = [rule.constraint for rule in RULES if rule.constraint is not None]
    of_models = [constraint for model in MODELS for constraint in model._meta.constraints]
    assert sorted(c.name for c in of_models) == sorted(c.name for c in of_rules)


def test_rules_know_the_tables_and_columns_of_the_models() -> None:
    for table in BOOKS:
        model = next(each for each in MODELS if each._meta.db_table == table.table)
        assert table.kind == model._meta.model_name
        columns = {field.column for field in model._meta.concrete_fields}
        assert all(columns.issuperset(rule.columns) for rule in table.rules)


def test_every_rule_fits_into_a_message_of_mysql() -> None:
    assert [each.name for each in RULES if len(each.refusal) > 128] == []
    assert len({each.name for each in RULES}) == len(RULES)


@pytest.mark.parametrize(
    "text",
    [
        "UNIQUE constraint failed: payments_core_attempt.open_payment",
        'duplicate key value violates unique constraint "payments_one_open_attempt"',
        "(1062, \"Duplicate entry '1' for key 'payments_one_open_attempt'\")",
        "(1062, \"Duplicate entry '1' for key 'payments_core_attempt.payments_one_open_attempt'\")",
    ],
)
def test_each_database_says_it_in_its_own_words(text: str) -> None:
    assert type(typed(IntegrityError(text))) is AttemptOpenError


@pytest.mark.parametrize("error", [IntegrityError("auth_user.username"), ValueError("payments_")])
def test_what_is_not_about_the_books_stays_what_it_is(error: Exception) -> None:
    assert typed(error) is None
    with pytest.raises(type(error)), typed_refusals():
        raise error


def test_a_lock_conflict_stays_what_it_is() -> None:
    with pytest.raises(OperationalError), typed_refusals():
        raise OperationalError("database is locked")


def test_an_item_that_is_bound_behind_its_back_says_so(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = pending(user, "5").lineitems.get()
    monkeypatch.setattr(LineItem, "_lock_unbound", lambda item, using: item)
    item.payment_id, item.amount = None, item.amount + 1
    with pytest.raises(LineItemBoundError, match=PREFIX):
        item.save()


def test_the_admin_tells_what_the_database_refuses(
    user: User, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = started(pending(user, "5")).payment
    # A fault in our own code: it overlooks the open attempt.
    monkeypatch.setattr(Payment, "open_attempt", None)
    data = {"action": "cancel_pending", "_selected_action": payment.pk, "reason": "because"}
    url = reverse("admin:payments_core_payment_changelist")
    page = admin_client.post(url, data, follow=True).content.decode()
    assert "still waiting for the answer" in page
    assert stored(payment).cancelled_at is None


def test_a_repeated_key_is_for_record_to_explain(user: User) -> None:
    record(user, "5", key="once")
    assert record(user, "5", key="once")[0] == LineItem.objects.get()
