"""Writing the journal: one function per thing that happens, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.db import connections
from django.utils import timezone

from .scrubbing import scrubbed

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from .models import Attempt, JournalEntry, LineItem, Payment, Refund

SYSTEM = "system"


class Acting(NamedTuple):
    """Who acts, and why, where a function is not told."""

    actor: str = SYSTEM
    reason: str = ""


_NOBODY = Acting()
_acting: ContextVar[Acting] = ContextVar("payments_ui_acting", default=_NOBODY)


@contextmanager
def acting(by: str, reason: str = "") -> Iterator[None]:
    """While it lasts, journal entries that name nobody else name this actor and reason."""
    token = _acting.set(Acting(by, reason))
    try:
        yield
    finally:
        _acting.reset(token)


def by_user(user: Any) -> str:
    """How the journal names a user: by id, so that anonymizing leaves nothing behind."""
    return f"user:{user.pk}"


def by_moocher(identifier: str) -> str:
    """How the journal names a moocher."""
    return f"moocher:{identifier}"


def write(verb: str, **fields: Any) -> JournalEntry:
    """Append one entry. ``verb`` is a ``JournalEntry.Verb``."""
    entry_model = apps.get_model("payments_core", "JournalEntry")
    fields = _acting.get()._asdict() | fields
    fields["reason"] = scrubbed(fields["reason"])
    entry: JournalEntry = entry_model.objects.create(verb=verb, **fields)
    return entry


def payment(verb: str, payment: Payment, **fields: Any) -> JournalEntry:
    """Something happened to a payment."""
    return write(
        verb,
        user_id=payment.user_id,
        payment_id=payment.pk,
        **{"total": payment.amount, "currency": payment.currency} | fields,
    )


def attempt(verb: str, attempt: Attempt, **fields: Any) -> JournalEntry:
    """Something happened to an attempt."""
    return payment(
        verb,
        attempt.payment,
        **{"attempt_id": attempt.pk, "total": attempt.amount, "currency": attempt.currency}
        | {"actor": by_moocher(attempt.moocher)}
        | fields,
    )


def refund(verb: str, refund: Refund, **fields: Any) -> JournalEntry:
    """Something happened to a refund; its id is in the detail."""
    return payment(
        verb,
        refund.payment,
        attempt_id=refund.attempt_id,
        total=refund.amount,
        currency=refund.currency,
        **fields | {"detail": {"refund": str(refund.pk)} | fields.get("detail", {})},
    )


def lineitem(verb: str, item: LineItem, **fields: Any) -> JournalEntry:
    """Something happened to an unbound line item. Its title may be personal and is left out."""
    facts: dict[str, Any] = {"user_id": item.user_id, "lineitem_id": item.pk, "items": 1}
    facts |= {"total": item.amount, "currency": item.currency}
    return write(verb, **facts, **fields)


def lineitems(verb: str, items: QuerySet[LineItem]) -> None:
    """The same happened to many unbound line items. One statement, and no row is read."""
    connection = connections[items.db]
    journal = apps.get_model("payments_core", "JournalEntry")._meta
    who = _acting.get()
    at = journal.get_field("at").get_db_prep_save(timezone.now(), connection)
    which, keys = items.order_by().values("pk").query.get_compiler(items.db).as_sql()
    # Only our own tables' names go in.
    sql = f"""
INSERT INTO {journal.db_table}
    (at, verb, actor, reason, detail, user_id, lineitem_id, items, total, currency)
SELECT %s, %s, %s, %s, '{{}}', user_id, id, 1, amount, currency
FROM {items.model._meta.db_table} WHERE id IN ({which}) ORDER BY id
"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [at, verb, who.actor, scrubbed(who.reason), *keys])
