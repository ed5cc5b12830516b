"""Writing the journal: one function per thing that happens, in the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps

if TYPE_CHECKING:
    from .models import Attempt, JournalEntry, LineItem, Payment

SYSTEM = "system"


def by_user(user: Any) -> str:
    """How the journal names a user: by id, so that anonymizing leaves nothing behind."""
    return f"user:{user.pk}"


def by_moocher(identifier: str) -> str:
    """How the journal names a moocher."""
    return f"moocher:{identifier}"


def write(verb: str, **fields: Any) -> JournalEntry:
    """Append one entry. ``verb`` is a ``JournalEntry.Verb``."""
    entry_model = apps.get_model("payments_core", "JournalEntry")
    fields.setdefault("actor", SYSTEM)
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


def lineitem_changed(item: LineItem) -> JournalEntry:
    """A stored, unbound line item was saved again."""
    return _lineitem("lineitem_changed", item)


def lineitem_deleted(item: LineItem) -> JournalEntry:
    """An unbound line item is about to be deleted."""
    return _lineitem("lineitem_deleted", item)


def _lineitem(verb: str, item: LineItem) -> JournalEntry:
    return write(
        verb,
        user_id=item.user_id,
        lineitem_id=item.pk,
        items=1,
        total=item.amount,
        currency=item.currency,
    )
