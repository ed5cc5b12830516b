"""Ways around the triggers: refused where the database can, otherwise reported by ``check``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import IntegrityError, connection, models, transaction

from payments_ui.core.audit import audit
from payments_ui.core.db.constraint_errors import typed
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment, Refund
from payments_ui.exceptions import (
    AttemptOpenError,
    EvidenceError,
    KeyConflictError,
    PaymentStateError,
)
from tests.core.support import bare, charged, pending, record, started
from tests.core.triggers.support import attempt_of, draft, item_of, key, raw, refund, seal, write

pytestmark = pytest.mark.django_db
Hide = Callable[[type[models.Model]], None]


def only(vendor: str) -> pytest.MarkDecorator:
    """Run on this kind of database alone."""
    return pytest.mark.skipif(connection.vendor != vendor, reason=f"about {vendor}")


def reported() -> list[str | None]:
    """Return the ids of what ``check --database default`` reports."""
    return [message.id for message in run_checks(databases=["default"], tags=["database"])]


@pytest.fixture
def hide() -> Iterator[Hide]:
    """Hide a table behind a temporary one of the same name, which any session may make."""
    hidden: list[str] = []

    def hide(model: type[models.Model]) -> None:
        table = model._meta.db_table
        own = {"postgresql": "public", "sqlite": "main"}
        schema = own.get(connection.vendor, str(connection.settings_dict["NAME"]))
        raw(f"CREATE TEMPORARY TABLE {table} AS SELECT * FROM {schema}.{table}")  # noqa: S608
        hidden.append(table)

    yield hide
    for table in hidden:
        raw(f"DROP {'TEMPORARY ' if connection.vendor == 'mysql' else ''}TABLE {table}")


def test_a_temporary_table_of_payments_starts_no_attempt(user: User, hide: Hide) -> None:
    attempt = attempt_of(charged(user, "5"))
    hide(Payment)
    bare(Payment).update(charged_at=None)
    asked = {"payment_id": attempt.payment_id, "amount": Decimal(5), "currency": "CHF"}
    with pytest.raises(IntegrityError), transaction.atomic():
        bare(Attempt).bulk_create([Attempt(moocher="cards", idempotency_key="copy", **asked)])


def test_a_temporary_table_of_line_items_seals_no_other_sum(user: User, hide: Hide) -> None:
    payment = draft(user, "5")
    hide(LineItem)
    bare(LineItem).update(amount=Decimal(500))
    with pytest.raises(IntegrityError), transaction.atomic():
        seal(payment, "500")


def test_a_temporary_table_of_attempts_charges_nothing(user: User, hide: Hide) -> None:
    payment = started(pending(user, "5")).payment
    hide(Attempt)
    raw("UPDATE {attempt} SET settled_payment = payment_id")
    with pytest.raises(IntegrityError), transaction.atomic():
        write(payment, charged_at=payment.created_at)


def test_a_temporary_table_of_refunds_frees_no_reserve(user: User, hide: Hide) -> None:
    attempt = attempt_of(charged(user, "5"))
    refund(attempt, "5")
    hide(Refund)
    raw("DELETE FROM {refund}")
    with pytest.raises(IntegrityError), transaction.atomic():
        write(attempt, refunded_amount=0)


def replacing_a_charged_payment(user: User) -> tuple[str, list[Any]]:
    payment = charged(user, "5")
    names = [f'"{field.column}"' for field in Payment._meta.concrete_fields]
    gone = {'"sealed_at"': "NULL", '"charged_at"': "NULL"}
    values = ", ".join(gone.get(name, name) for name in names)
    sql = f"INSERT OR REPLACE INTO {{payment}} ({', '.join(names)}) SELECT {values}"
    return f"{sql} FROM {{payment}} WHERE id = %s", [key(payment)]


def replacing_a_bound_item(user: User) -> tuple[str, list[Any]]:
    record(user, "5", key="use-1")
    bound = item_of(pending(user))
    (free,) = record(user, "7")
    return "UPDATE OR REPLACE {lineitem} SET key = %s WHERE id = %s", [bound.key, free.pk]


def replacing_an_attempt_by_its_reference(user: User) -> tuple[str, list[Any]]:
    reference = attempt_of(charged(user, "5")).psp_reference
    other = started(pending(user, "7"))
    sql = "UPDATE OR REPLACE {attempt} SET psp_reference = %s WHERE id = %s"
    return sql, [reference, key(other)]


def replacing_an_open_attempt_by_another(user: User) -> tuple[str, list[Any]]:
    attempt = started(pending(user, "5"))
    names = [f.column for f in Attempt._meta.concrete_fields if not f.generated]
    new = {"id": "%s", "idempotency_key": "'new'", "form_token": "NULL"}
    values = ", ".join(new.get(str(name), str(name)) for name in names)
    columns = ", ".join(map(str, names))
    sql = f"INSERT OR REPLACE INTO {{attempt}} ({columns}) SELECT {values} FROM {{attempt}}"  # noqa: S608
    return f"{sql} WHERE id = %s", [key(Attempt()), key(attempt)]


def replacing_an_entry_of_the_journal(user: User) -> tuple[str, list[Any]]:
    pending(user, "5")
    sql = "UPDATE OR REPLACE {journal} SET id = %s"
    return sql, [JournalEntry.objects.latest("pk").pk]


@only("sqlite")
@pytest.mark.parametrize(
    ("replacing", "error"),
    [
        (replacing_a_charged_payment, PaymentStateError),
        (replacing_a_bound_item, KeyConflictError),
        (replacing_an_attempt_by_its_reference, EvidenceError),
        (replacing_an_open_attempt_by_another, AttemptOpenError),
        (replacing_an_entry_of_the_journal, EvidenceError),
    ],
    ids=lambda value: value.__name__,
)
def test_or_replace_is_refused(
    replacing: Callable[[User], tuple[str, list[Any]]], error: type[Exception], user: User
) -> None:
    sql, params = replacing(user)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        raw(sql, *params)
    assert isinstance(typed(refused.value), error)
    assert list(audit()) == []


@only("postgresql")
@pytest.mark.parametrize("how", ["DISABLE TRIGGER", "ENABLE REPLICA TRIGGER"])
def test_a_trigger_that_does_not_fire_is_reported(how: str) -> None:
    raw(f"ALTER TABLE {{payment}} {how} payments_trigger_payment_update")
    assert reported() == ["payments_ui.W050"]


@only("postgresql")
def test_a_constraint_that_was_dropped_is_reported() -> None:
    raw("DROP INDEX payments_one_open_attempt")
    assert reported() == ["payments_ui.W052"]
    raw("ALTER TABLE {payment} DROP CONSTRAINT payments_not_negative")
    raw("ALTER TABLE {payment} ADD CONSTRAINT payments_not_negative CHECK (amount > -9) NOT VALID")
    (message,) = run_checks(databases=["default"], tags=["database"])
    assert "payments_not_negative, payments_one_open_attempt" in message.msg


SWITCHES = {
    "sqlite": ("PRAGMA ignore_check_constraints = {}", "ON", "OFF"),
    "mysql": ("SET check_constraint_checks = {}", "0", "1"),
    "postgresql": ("SET session_replication_role = {}", "replica", "origin"),
}


@pytest.fixture
def _unchecked() -> Iterator[None]:
    """A session that does not check constraints, or on PostgreSQL fires no trigger."""
    statement, off, on = SWITCHES[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(statement.format(off))
        yield
        cursor.execute(statement.format(on))


@pytest.mark.usefixtures("_unchecked")
def test_checks_that_are_switched_off_are_reported() -> None:
    assert reported() == ["payments_ui.W052"]


@pytest.mark.skipif(connection.vendor == "postgresql", reason="its checks cannot be switched off")
@pytest.mark.usefixtures("_unchecked")
@pytest.mark.parametrize(
    "wrong", [{"state": "SETTLED"}, {"state": "lost"}, {"amount": -1}], ids=str
)
def test_without_checks_triggers_refuse_what_they_do(wrong: dict[str, Any], user: User) -> None:
    attempt = started(pending(user, "5"))
    with pytest.raises(IntegrityError), transaction.atomic():
        write(attempt, **wrong)
