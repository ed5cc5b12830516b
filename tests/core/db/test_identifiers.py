"""What others make up is compared byte by byte on every database."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, models, transaction

from payments_ui.core.audit import audit
from payments_ui.core.models import Attempt, Event, LineItem, SuspenseItem
from tests.conftest import UserFactory
from tests.core.audit.support import books, unprotected
from tests.core.support import bare, charged, pending, record, started
from tests.core.triggers.support import attempt_of, event, suspense, write

pytestmark = pytest.mark.django_db

#: Texts that people write and read; no program compares them.
PROSE = {"LineItem.title", "LineItem.unit", "Payment.email"}
#: Different for a program, and the same for a collation that is blind to case, accents or blanks.
TWINS = [("TXaB9", "TXAb9"), ("V1StGXR8", "v1stgxr8"), ("café", "cafe"), ("TX1", "TX1 ")]


def test_every_text_that_a_program_compares_is_an_identifier() -> None:
    texts = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("payments_core").get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField) and type(field).__name__ != "IdentifierField"
    }
    assert texts == PROSE


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_two_event_ids_are_two_events(one: str, other: str) -> None:
    for name in (one, other):
        Event.objects.create(moocher="bank", event_id=name, state="unmatched", psp_reference=name)
    assert Event.objects.get(event_id=one).psp_reference == one
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.create(moocher="bank", event_id=one, state="unmatched")


@pytest.mark.parametrize(("one", "other"), TWINS[:3])
def test_two_keys_are_two_uses(one: str, other: str, user: User) -> None:
    record(user, "1", key=one)
    record(user, "2", key=other)
    record(user, "1", key=one)
    assert LineItem.objects.filter(user=user).count() == 2


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_two_references_are_two_attempts(one: str, other: str, make_user: UserFactory) -> None:
    for name in (one, other):
        write(started(pending(make_user(), "5")), psp_reference=name)
    assert Attempt.objects.get(psp_reference=other).psp_reference == other


@pytest.mark.parametrize("state", ["SETTLED", "Settled", "séttled", "settled "])
def test_a_state_in_other_letters_is_refused(state: str, user: User) -> None:
    attempt = started(pending(user, "5"))
    with pytest.raises(IntegrityError), transaction.atomic():
        write(attempt, state=state)


def test_other_states_in_capitals_are_refused(user: User) -> None:
    rows: list[tuple[Any, str]] = [
        (event(), "PROCESSED"),
        (suspense(), "OPEN"),
        (attempt_of(charged(user, "5")), "FAILED"),
    ]
    for row, state in rows:
        with pytest.raises(IntegrityError), transaction.atomic():
            write(row, state=state)


def test_the_auditor_sees_a_state_and_a_currency_in_other_letters(make_user: UserFactory) -> None:
    right = books(make_user)
    with unprotected():
        bare(Attempt).filter(pk=right.settled.pk).update(state="SETTLED")
        bare(LineItem).filter(pk=right.unbound.pk).update(currency="chf")
        found = {finding.rule for finding in audit()}
    assert {"attempt_state", "payment_settled", "lineitem_currency"} <= found


def test_the_database_compares_the_columns_themselves() -> None:
    suspense()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM {SuspenseItem._meta.db_table} WHERE kind = 'UNMATCHED'"  # noqa: S608
        )
        assert cursor.fetchone() == (0,)
