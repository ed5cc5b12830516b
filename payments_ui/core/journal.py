"""Writing the journal: one function per thing that happens, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from .models import Attempt, JournalEntry, LineItem, Payment

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
    entry: JournalEntry = entry_model.objects.create(verb=verb, **_acting.get()._asdict() | fields)
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


def lineitem(verb: str, item: LineItem, **fields: Any) -> JournalEntry:
    """Something happened to an unbound line item. Its title may be personal and is left out."""
    return write(verb, **_facts(item), **fields)


def lineitems(verb: str, items: QuerySet[LineItem]) -> None:
    """The same happened to many unbound line items."""
    entry_model = apps.get_model("payments_core", "JournalEntry")
    who = _acting.get()._asdict()
    entries = (entry_model(verb=verb, **_facts(item), **who) for item in items.order_by("pk"))
    entry_model.objects.bulk_create(entries, batch_size=500)


def _facts(item: LineItem) -> dict[str, Any]:
    return {
        "user_id": item.user_id,
        "lineitem_id": item.pk,
        "items": 1,
        "total": item.amount,
        "currency": item.currency,
    }
