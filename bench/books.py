"""Books of many users, written by SQL: charged payments of ten line items each, in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import connection, models
from django.utils import timezone

from bench import database
from payments_ui.core.models import Attempt, JournalEntry, LineItem, Payment
from payments_ui.core.triggers import disabled

ITEMS = 10
#: Of a user.
PAYMENTS = 100
_PRICE = Decimal("0.10000001")
_TOTAL, _AMOUNT = _PRICE * ITEMS, Decimal("1.00")
# Of payments that were filled in: nobody else's have it.
_EMAIL = "filled@example.com"

_UUID = {
    "postgresql": "gen_random_uuid()",
    "mysql": "UUID()",
    "sqlite": "lower(hex(randomblob(16)))",
}
_TEXT = {"postgresql": "md5(p.id::text)", "mysql": "MD5(p.id)", "sqlite": "p.id"}

# ruff: noqa: S608 - only our own tables' names go in


def fill(items: int) -> None:
    """Add so many line items, all paid: a thousand each of users who owe nothing."""
    before = User.objects.count()
    users = [f"books-{before + number}" for number in range(max(1, items // ITEMS // PAYMENTS))]
    User.objects.bulk_create([User(username=name) for name in users], batch_size=500)
    first = User.objects.values_list("pk", flat=True).get(username=users[0])
    with disabled(), _unchecked():
        payment = Payment(
            amount=_AMOUNT,
            currency="CHF",
            email=_EMAIL,
            sealed_at=timezone.now(),
            charged_at=timezone.now(),
        )
        _insert(
            payment,
            {"id": _UUID[connection.vendor], "user_id": "u.id"},
            f"{User._meta.db_table} u CROSS JOIN ({_numbers(min(PAYMENTS, items // ITEMS))}) n"
            f" WHERE u.username LIKE 'books-%%' AND u.id >= {first}",
        )
        _attempts()
        _items()
        for verb in (
            JournalEntry.Verb.PAYMENT_CREATED,
            JournalEntry.Verb.ATTEMPT_STARTED,
            JournalEntry.Verb.PAYMENT_CHARGED,
        ):
            _journal(verb)


def fill_up(items: int) -> None:
    """Fill until there are so many line items of whomever, and let the database look at them."""
    missing = items - LineItem.objects.count()
    if missing > ITEMS:
        fill(missing)
        database.tidy(LineItem, Payment, Attempt, JournalEntry, analyze=True)


def owe(user: User, items: int) -> None:
    """Let a user owe so many more line items, copied from those that were filled in."""
    template = LineItem(user=user, title="Frame, rendered", amount=_PRICE, currency="CHF")
    _insert(template, {}, f"(SELECT 1 FROM {LineItem._meta.db_table} LIMIT {items}) n")


def _attempts() -> None:
    attempt = Attempt(
        moocher="cards",
        amount=_AMOUNT,
        currency="CHF",
        state=Attempt.State.SETTLED,
        received_amount=_AMOUNT,
        received_currency="CHF",
        ended_at=timezone.now(),
    )
    text = _TEXT[connection.vendor]
    own = {"id": _UUID[connection.vendor], "payment_id": "p.id"}
    _insert(attempt, {**own, "idempotency_key": text, "psp_reference": text}, _filled(Attempt))


def _items() -> None:
    """Give each payment that has none its line items, in one statement."""
    item = LineItem(title="Frame, rendered", amount=_PRICE, currency="CHF")
    source = f"{_filled(LineItem)}".replace(" WHERE", f" CROSS JOIN ({_numbers(ITEMS)}) n WHERE")
    _insert(item, {"user_id": "p.user_id", "payment_id": "p.id"}, source)


def _journal(verb: str) -> None:
    entry = JournalEntry(verb=verb, items=ITEMS, total=_TOTAL, currency="CHF", actor="system")
    own = {"user_id": "p.user_id", "payment_id": "p.id"}
    _insert(entry, own, _filled(JournalEntry, f"AND other.verb = '{verb}'"))


def _filled(model: type[models.Model], condition: str = "") -> str:
    """Payments that were filled in and have no row of this model yet, as ``p``."""
    return (
        f"{Payment._meta.db_table} p WHERE p.email = '{_EMAIL}' AND NOT EXISTS"
        f" (SELECT 1 FROM {model._meta.db_table} other WHERE other.payment_id = p.id {condition})"
    )


def _insert(row: models.Model, own: dict[str, str], source: str) -> None:
    """Insert a copy of ``row`` for each row of ``source``, with ``own`` columns read from it."""
    columns, values, params = [], [], []
    for field in row._meta.concrete_fields:
        if field.generated or (field.primary_key and field.column not in own):
            continue
        columns.append(connection.ops.quote_name(str(field.column)))
        if field.column in own:
            values.append(own[field.column])
        else:
            # What a list of columns does not tell the type of, PostgreSQL takes for a text.
            values.append("%s")
            params.append(field.get_db_prep_save(getattr(row, field.attname), connection))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {row._meta.db_table} ({', '.join(columns)})"
            f" SELECT {', '.join(values)} FROM {source}",
            params,
        )


def _numbers(count: int) -> str:
    return " UNION ALL ".join(f"SELECT {number} AS n" for number in range(max(1, count)))


@contextmanager
def _unchecked() -> Iterator[None]:
    """Leave out what looks up each row's foreign keys: they are read from the tables themselves."""
    if connection.vendor != "postgresql":
        with connection.constraint_checks_disabled():
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")
